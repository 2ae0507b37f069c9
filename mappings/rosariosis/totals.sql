-- The same counts as in fingerprints.sql, over all rows of all schools and years in one. By as much as they exceed the
-- course periods' own counts of the last weeks, nothing older has changed as long as that stays. What another school
-- of the database writes only makes the older ones be counted once more.
SELECT SUM(f.n) AS rows, SUM(f.ids) AS sum_of_ids, SUM(f.worth) AS sum_of_codes
FROM (
  SELECT COUNT(*) AS n, SUM(CAST(g.student_id AS NUMERIC) * 1000003 + g.assignment_id) AS ids,
         SUM(
           (COALESCE(g.points, -7) * 100 + COALESCE(a.points, -7)) * MOD(g.student_id * 31 + g.assignment_id, 10007)
             + COALESCE(LENGTH(g.comment), 0)
             + COALESCE(CAST(a.weight * 100 AS NUMERIC), -7) * MOD(g.student_id * 37 + g.assignment_id, 10007)
             + CAST(g.course_period_id AS NUMERIC) * MOD(g.student_id * 41 + g.assignment_id, 10007)
             + COALESCE(COALESCE(a.due_date, a.assigned_date) - DATE '2000-01-01', 0)
               * MOD(g.student_id * 43 + g.assignment_id, 10007)
             + COALESCE({seconds g.updated_at}, {seconds g.created_at}, 0)
         ) AS worth
  FROM gradebook_grades g
  JOIN gradebook_assignments a ON a.assignment_id = g.assignment_id
  UNION ALL
  SELECT COUNT(*),
         SUM(CAST(t.student_id AS NUMERIC) * 1000003 + t.period_id * 10007 + (t.school_date - DATE '2000-01-01')),
         SUM(
           COALESCE(t.attendance_code, -7) * MOD(t.student_id * 31 + t.period_id, 10007)
             + CAST(t.course_period_id AS NUMERIC) * MOD(t.student_id * 41 + t.period_id, 10007)
             + COALESCE({seconds t.updated_at}, {seconds t.created_at}, 0)
         )
  FROM attendance_period t
  WHERE t.course_period_id IS NOT NULL
  UNION ALL
  SELECT COUNT(*), SUM(g.id),
         SUM(
           (COALESCE(g.grade_percent, -7) * 10 + COALESCE(ASCII(g.grade_letter), 0)
             + 256 * COALESCE(ASCII(SUBSTR(g.grade_letter, 2)), 0)) * MOD(g.id, 10007)
             + CAST(g.course_period_id AS NUMERIC) * MOD(g.id, 10009)
             + CAST(g.marking_period_id AS NUMERIC) * MOD(g.id, 10037) + CAST(g.student_id AS NUMERIC) * MOD(g.id, 10039)
             + COALESCE({seconds g.updated_at}, {seconds g.created_at}, 0)
         )
  FROM student_report_card_grades g
  WHERE g.course_period_id IS NOT NULL
) f
