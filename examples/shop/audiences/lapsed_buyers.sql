-- People whose last order is {{ values.lapsed_after_days }} days old or older on {{ values.as_of }}.
SELECT customer_id, email, phone, marketing_ok
FROM customers
JOIN orders USING (customer_id)
WHERE ordered_on <= DATE '{{ values.as_of }}'
GROUP BY ALL
HAVING max(ordered_on) <= DATE '{{ values.as_of }}' - {{ values.lapsed_after_days }}
