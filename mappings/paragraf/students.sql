-- Every student the school knows, with nothing but what a decision needs.
SELECT s.ID, s.BIRTH_DATE
FROM STUDENT s
