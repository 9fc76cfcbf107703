SELECT customer_id, email, phone, marketing_ok
FROM customers
WHERE last_order < DATE '2026-01-01' - {{ values.inactive_days }}
