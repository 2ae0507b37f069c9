-- Each student's stays at the school, all years. An enrolment that was never closed ends with the school year that it
-- is of, for RosarioSIS enrols anew each year.
SELECT e.student_id, e.start_date AS date_from, COALESCE(e.end_date, y.end_date) AS date_to,
       CAST(NULL AS INTEGER) AS parallel, g.short_name AS letter
FROM student_enrollment e
JOIN schools o ON o.id = e.school_id AND o.syear = e.syear
LEFT JOIN school_gradelevels g ON g.id = e.grade_id
LEFT JOIN school_marking_periods y ON y.mp = 'FY' AND y.syear = e.syear AND y.school_id = e.school_id
WHERE COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
