-- The schools that this database belongs to: one row.
SELECT {text s.CODE 16} AS CODE
FROM SCHOOL s
