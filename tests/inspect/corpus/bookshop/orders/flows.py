from headrace import flow

checkout = flow("checkout")
housekeeping = flow("housekeeping")
