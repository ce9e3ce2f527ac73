import httpx

from cellar.flows import orders, refunds


class PaymentFailed(Exception):
    """The provider refuses."""


class StripeGateway:
    url = "https://api.stripe.example"

    def __init__(self, key: str = "sk_test") -> None:
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": key})

    @orders.step(after="create_order")
    def capture(self, order):
        answer = self.client.post("/charges", json={"amount": str(order.total)})
        if answer.status_code >= 400:
            raise PaymentFailed(answer.text)

    @refunds.step(after="refund_order")
    def release_payment(self, order):
        self.client.post("/refunds", json={"order": order.pk})
