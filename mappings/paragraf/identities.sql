-- Names and birth dates, read only to find the student that an application names.
SELECT s.ID,
       {text s.LAST_NAME 60} AS LAST_NAME,
       {text s.FIRST_NAME 60} AS FIRST_NAME,
       {text s.MIDDLE_NAME 60} AS MIDDLE_NAME,
       s.BIRTH_DATE
FROM STUDENT s
