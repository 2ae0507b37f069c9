-- Each assignment in each course period that has grades of it, with the weight that the teacher gave it.
SELECT DISTINCT g.assignment_id || '-' || g.course_period_id AS id,
       'a' || g.assignment_id || '-' || g.course_period_id AS lesson_id,
       g.assignment_id AS type_id,
       a.weight AS cost
FROM gradebook_assignments a
JOIN gradebook_grades g ON g.assignment_id = a.assignment_id
WHERE {journals g.course_period_id}
