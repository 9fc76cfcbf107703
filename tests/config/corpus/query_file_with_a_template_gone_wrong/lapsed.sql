-- who lapsed
SELECT customer_id, email
FROM customers WHERE days > {{ values.dais }}
