//! Open-model load: schedule, pacing and recorder over a driver; the HTTP driver.
