-- What each course period holds in the window: how many rows, the newest change, sums of keys and of what was given.
-- The time of change and the course period are part of the sum, so that totals.sql can tell whether anything changed.
SELECT f.journal_id, COUNT(*) AS rows, MAX(f.changed_at) AS newest, SUM(f.id) AS sum_of_ids, SUM(f.worth) AS sum_of_codes
FROM (
  SELECT g.course_period_id AS journal_id, COALESCE(g.updated_at, g.created_at) AS changed_at,
         CAST(g.student_id AS NUMERIC) * 1000003 + g.assignment_id AS id,
         (COALESCE(g.points, -7) * 100 + COALESCE(a.points, -7)) * MOD(g.student_id * 31 + g.assignment_id, 10007)
           + COALESCE(LENGTH(g.comment), 0)
           + COALESCE(CAST(a.weight * 100 AS NUMERIC), -7) * MOD(g.student_id * 37 + g.assignment_id, 10007)
           + CAST(g.course_period_id AS NUMERIC) * MOD(g.student_id * 41 + g.assignment_id, 10007)
           + COALESCE(COALESCE(a.due_date, a.assigned_date) - DATE '2000-01-01', 0)
             * MOD(g.student_id * 43 + g.assignment_id, 10007)
           + COALESCE({seconds g.updated_at}, {seconds g.created_at}, 0) AS worth
  FROM gradebook_grades g
  JOIN gradebook_assignments a ON a.assignment_id = g.assignment_id
  JOIN school_marking_periods m ON m.marking_period_id = a.marking_period_id
  WHERE COALESCE(a.due_date, a.assigned_date) BETWEEN :first AND :last
     OR COALESCE(a.due_date, a.assigned_date) IS NULL AND m.end_date >= :first AND m.start_date <= :last
  UNION ALL
  SELECT t.course_period_id, COALESCE(t.updated_at, t.created_at),
         CAST(t.student_id AS NUMERIC) * 1000003 + t.period_id * 10007 + (t.school_date - DATE '2000-01-01'),
         COALESCE(t.attendance_code, -7) * MOD(t.student_id * 31 + t.period_id, 10007)
           + CAST(t.course_period_id AS NUMERIC) * MOD(t.student_id * 41 + t.period_id, 10007)
           + COALESCE({seconds t.updated_at}, {seconds t.created_at}, 0)
  FROM attendance_period t
  WHERE t.school_date BETWEEN :first AND :last AND t.course_period_id IS NOT NULL
  UNION ALL
  SELECT g.course_period_id, COALESCE(g.updated_at, g.created_at), g.id,
         (COALESCE(g.grade_percent, -7) * 10 + COALESCE(ASCII(g.grade_letter), 0)
           + 256 * COALESCE(ASCII(SUBSTR(g.grade_letter, 2)), 0)) * MOD(g.id, 10007)
           + CAST(g.course_period_id AS NUMERIC) * MOD(g.id, 10009)
           + CAST(g.marking_period_id AS NUMERIC) * MOD(g.id, 10037) + CAST(g.student_id AS NUMERIC) * MOD(g.id, 10039)
           + COALESCE({seconds g.updated_at}, {seconds g.created_at}, 0)
  FROM student_report_card_grades g
  JOIN school_marking_periods m ON m.marking_period_id = g.marking_period_id
  WHERE m.end_date BETWEEN :first AND :last AND g.course_period_id IS NOT NULL
) f
JOIN course_periods p ON p.course_period_id = f.journal_id
JOIN schools o ON o.id = p.school_id AND o.syear = p.syear
WHERE COALESCE(NULLIF(TRIM(o.school_number), ''), CAST(o.id AS VARCHAR(16))) = :school
GROUP BY f.journal_id
