-- Facts: final grades of the periods that end in the window; the letter, or the percentage where there is no letter.
-- Grades of years gone by that were typed in by hand have no course period and are not read.
SELECT g.id, g.course_period_id AS journal_id, g.marking_period_id AS period_id, g.student_id,
       CAST(NULL AS VARCHAR(1)) AS type_id,
       g.grade_letter AS sign,
       g.grade_percent AS points,
       CASE WHEN g.grade_percent IS NOT NULL THEN 100 END AS maximum,
       COALESCE(g.updated_at, g.created_at) AS changed_at
FROM student_report_card_grades g
JOIN school_marking_periods m ON m.marking_period_id = g.marking_period_id
JOIN course_periods p ON p.course_period_id = g.course_period_id
JOIN schools o ON o.id = p.school_id AND o.syear = p.syear
WHERE m.end_date BETWEEN :first AND :last AND {journals g.course_period_id}
  AND COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
