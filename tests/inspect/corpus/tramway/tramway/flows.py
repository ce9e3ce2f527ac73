from headrace import flow

dispatch = flow("dispatch")
depot = flow("night depot")
timetable = flow("timetable")
