-- The schools of this database, by the number that its administrator gave each, else by RosarioSIS's own id. One
-- database may hold several: every query below reads those rows only that belong to :school.
SELECT DISTINCT COALESCE(NULLIF(TRIM(s.school_number), ''), CAST(s.id AS VARCHAR(16))) AS code
FROM schools s
