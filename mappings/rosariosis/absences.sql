-- Facts: attendance of the window that is not the default code (present). The day's sum (attendance_day) says nothing
-- that these rows do not, and names no course. A student's day in one period is one row: that is its key.
SELECT t.student_id || '-' || TO_CHAR(t.school_date, 'YYYYMMDD') || '-' || t.period_id AS id,
       't' || t.course_period_id || '-' || TO_CHAR(t.school_date, 'YYYYMMDD') AS lesson_id,
       t.student_id,
       UPPER(c.state_code || '/' || c.short_name) AS type_id,
       COALESCE(t.updated_at, t.created_at) AS changed_at
FROM attendance_period t
JOIN course_periods p ON p.course_period_id = t.course_period_id
JOIN schools o ON o.id = p.school_id AND o.syear = p.syear
LEFT JOIN attendance_codes c ON c.id = t.attendance_code
WHERE t.school_date BETWEEN :first AND :last
  AND t.attendance_code IS NOT NULL AND {journals t.course_period_id}
  AND COALESCE(c.default_code, '') <> 'Y'
  AND COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
