SELECT customer_id, 'é' AS letter
FROM customers
WHERE days > {{ values.days }} AND )
