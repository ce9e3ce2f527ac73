from sources import clean, enrich, extract, fetch_rates, fetch_stock, merge, store, totals

from headrace import AsyncChain, Chain, ref

nightly = (
    Chain("nightly")
    .next(extract, out="raw", args=["day"], retries=3)
    .next(clean, out="rows", args=["raw"], log_fmt="rows={rows.__len__}")
    .parallel(
        Chain().next(enrich, out="enriched", args=["rows"]),
        Chain().next(totals, args=["rows"]),
    )
    .next(store, name="save", args=[ref("enriched")], when="rows")
)

prices = AsyncChain("prices", flow="pricing")
prices.put("currency", "EUR")
prices.next(fetch_rates, out="rates")
prices.next(fetch_stock, out="stock")
prices.next(merge, args=["rates", "stock"])


def main(day):
    nightly.run(day=day)
