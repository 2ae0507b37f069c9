-- Who is scheduled in a course period.
SELECT s.course_period_id AS journal_id, s.student_id, s.start_date AS date_from, s.end_date AS date_to
FROM schedule s
JOIN schools o ON o.id = s.school_id AND o.syear = s.syear
WHERE {journals s.course_period_id} AND s.start_date <= :last AND (s.end_date IS NULL OR s.end_date >= :first)
  AND COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
