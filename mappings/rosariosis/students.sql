-- Everyone who was ever enrolled at the school. custom_200000004 is the birth date in every new installation.
SELECT s.student_id AS id, s.custom_200000004 AS birth_date
FROM students s
WHERE EXISTS (
  SELECT 1
  FROM student_enrollment e
  JOIN schools o ON o.id = e.school_id AND o.syear = e.syear
  WHERE e.student_id = s.student_id
    AND COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
)
