from headrace import flow

payments = flow("payments")
refunds = flow("refunds")
