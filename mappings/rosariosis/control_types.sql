-- What a parent reads as the work: the assignment's own title.
SELECT a.assignment_id AS id, a.title AS name
FROM gradebook_assignments a
