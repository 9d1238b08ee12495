"""A FastAPI application that builds reports in the background.

`POST /reports` orders one and answers at once; `GET /reports/{id}` tells how far it is, and in the
end where it lies; `DELETE /reports/{id}` cancels it. `api.py` depends on what it needs of a
backend, so its tests give it `TestingJobs`, and `app.py` gives it a Redis:

    uvicorn --factory examples.fastapi_reports.app:application
    jobkit worker examples.fastapi_reports.handlers:handlers
"""
