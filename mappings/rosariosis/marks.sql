-- Facts: the points of each student for each assignment. A row without points is no mark yet. An assignment without a
-- date is read with its marking period and set aside, for a record needs a date. RosarioSIS writes updated_at when a
-- row is changed, created_at when it is made.
SELECT g.student_id || '-' || g.assignment_id || '-' || g.course_period_id AS id,
       g.assignment_id || '-' || g.course_period_id AS control_id,
       g.student_id,
       CASE WHEN g.points = -1 THEN '*' END AS type_id,
       CASE WHEN g.points <> -1 THEN g.points END AS points,
       a.points AS maximum,
       g.comment AS note,
       COALESCE(g.updated_at, g.created_at) AS entered_at
FROM gradebook_grades g
JOIN gradebook_assignments a ON a.assignment_id = g.assignment_id
JOIN school_marking_periods m ON m.marking_period_id = a.marking_period_id
JOIN course_periods p ON p.course_period_id = g.course_period_id
JOIN schools o ON o.id = p.school_id AND o.syear = p.syear
WHERE g.points IS NOT NULL AND {journals g.course_period_id}
  AND COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
  AND (
    COALESCE(a.due_date, a.assigned_date) BETWEEN :first AND :last
    OR COALESCE(a.due_date, a.assigned_date) IS NULL AND m.end_date >= :first AND m.start_date <= :last
  )
