"""What the commands of project.yml share: one room a job, imports in one direction.

scripts → share, check → fork, teacher, corpus, review, student, report → formats → task, records, journal
    → steps, files, errors
"""
