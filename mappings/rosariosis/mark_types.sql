-- The sign of each code that a mark or an attendance may have.
SELECT '*' AS id, '*' AS short_name
UNION ALL
SELECT UPPER(c.state_code || '/' || c.short_name), MIN(c.short_name)
FROM attendance_codes c
WHERE c.state_code IS NOT NULL AND c.short_name IS NOT NULL
GROUP BY UPPER(c.state_code || '/' || c.short_name)
