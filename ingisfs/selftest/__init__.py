"""The drive tried out as programs use it: some 125 ways to save, and what the server must have received afterwards.

It works from outside: it knows the drive's folder, and reads `INGIS-STATUS.json` there as any program may.
"""
