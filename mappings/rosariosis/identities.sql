-- Names and birth dates, read only to find the student that an application names.
SELECT s.student_id AS id, s.last_name, s.first_name, s.middle_name, s.custom_200000004 AS birth_date
FROM students s
WHERE EXISTS (
  SELECT 1
  FROM student_enrollment e
  JOIN schools o ON o.id = e.school_id AND o.syear = e.syear
  WHERE e.student_id = s.student_id
    AND COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
)
