LOANS = "loans"
FEES = "fe" + "es"
FIRST_STEP = "borrow"
