-- What stands for a lesson: an assignment in each course period that has grades of it, and each attendance taken.
-- An assignment without a date belongs to its marking period. Nothing tells when a lesson was filled in: there is no
-- filled_at, and so no figure of actuality.
SELECT DISTINCT 'a' || g.assignment_id || '-' || g.course_period_id AS id,
       g.course_period_id AS journal_id,
       COALESCE(a.due_date, a.assigned_date) AS lesson_date,
       CAST(NULL AS INTEGER) AS lesson_no,
       0 AS cancelled
FROM gradebook_assignments a
JOIN gradebook_grades g ON g.assignment_id = a.assignment_id
JOIN school_marking_periods m ON m.marking_period_id = a.marking_period_id
WHERE {journals g.course_period_id} AND (
  COALESCE(a.due_date, a.assigned_date) BETWEEN :first AND :last
  OR COALESCE(a.due_date, a.assigned_date) IS NULL AND m.end_date >= :first AND m.start_date <= :last
)
UNION ALL
SELECT DISTINCT 't' || t.course_period_id || '-' || TO_CHAR(t.school_date, 'YYYYMMDD'), t.course_period_id,
       t.school_date, CAST(NULL AS INTEGER), 0
FROM attendance_period t
WHERE t.school_date BETWEEN :first AND :last AND t.course_period_id IS NOT NULL AND {journals t.course_period_id}
