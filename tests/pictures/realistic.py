"""Ten flows as businesses have them, and that of the demo: what the pictures are judged by."""

from __future__ import annotations

import random

Edges = list[tuple[str, str]]


def _edges(text: str) -> Edges:
    """Read lines such as ``a b -> c d``: from each before the arrow to each behind it."""
    found = []
    for line in text.strip().splitlines():
        sources, targets = line.split("->")
        found += [(a, b) for a in sources.split() for b in targets.split()]
    return found


FLOWS: dict[str, Edges] = {
    # The demo's, as examples/shop declares it.
    "order": _edges("""
        receive -> fulfil
        fulfil -> reserve
        reserve -> book confirm
        book -> release confirm
        release -> confirm
    """),
    "checkout": _edges("""
        open_cart -> add_item apply_coupon
        add_item -> price
        apply_coupon -> price
        price -> check_stock check_fraud choose_shipping
        check_stock choose_shipping -> reserve
        check_fraud -> authorize_payment hold_for_review
        hold_for_review -> authorize_payment cancel
        reserve authorize_payment -> capture_payment
        capture_payment -> send_receipt create_shipment
        create_shipment -> notify_carrier print_label
        notify_carrier print_label -> dispatch
        dispatch -> track
        track -> deliver return_to_sender
        return_to_sender -> refund
        cancel -> refund
        deliver refund send_receipt -> close
    """),
    "sign_up": _edges("""
        web_form mobile_form sso invite -> validate
        validate -> create_user
        sso -> link_identity
        create_user -> send_confirmation link_identity create_workspace
        invite -> join_workspace
        create_user -> join_workspace
        send_confirmation -> confirm resend
        resend -> confirm
        confirm link_identity -> activate
        create_workspace join_workspace -> seed_samples
        activate seed_samples -> welcome
        welcome -> start_trial subscribe_newsletter
        start_trial -> remind bill
    """),
    "nightly_etl": _edges("""
        start -> extract_orders extract_users extract_events extract_prices
        extract_orders -> clean_orders
        extract_users -> clean_users
        extract_events -> sessionize
        extract_prices -> convert_currency
        clean_orders convert_currency -> fact_sales
        clean_users -> dim_customer
        sessionize clean_users -> fact_visits
        fact_sales dim_customer -> mart_revenue mart_retention
        fact_visits dim_customer -> mart_funnel mart_retention
        mart_revenue mart_retention mart_funnel -> check_quality
        check_quality -> publish alert
        publish -> refresh_dashboards export_csv
    """),
    "deploy": _edges("""
        push -> lint unit_tests build
        build -> image sbom
        image -> scan integration_tests
        sbom -> scan
        lint unit_tests integration_tests scan -> approve
        approve -> canary
        canary -> measure
        measure -> roll_out roll_back
        roll_out -> smoke_tests
        smoke_tests -> announce roll_back
        roll_back -> open_incident
        open_incident -> announce
    """),
    "loan": _edges("""
        apply_online apply_branch broker -> intake
        intake -> identity income credit_bureau property
        identity -> sanctions
        income credit_bureau -> score
        property -> valuation
        valuation score sanctions -> decide
        decide -> offer refuse refer
        refer -> underwriter
        underwriter -> offer refuse
        offer -> sign expire
        sign -> register_lien pay_out
        register_lien -> pay_out
        pay_out -> book_ledger notify
        refuse expire -> notify
        notify -> archive
        book_ledger -> archive
    """),
    "claim": _edges("""
        report_by_phone report_by_app -> register
        register -> classify acknowledge
        classify -> property_team motor_team fraud_team
        property_team -> send_surveyor
        motor_team -> choose_garage send_surveyor
        send_surveyor choose_garage -> estimate
        fraud_team -> investigate
        investigate -> reject estimate
        estimate -> settle reject
        settle -> reinsurance pay
        pay acknowledge reject -> letter
        reinsurance -> reserve_update
        letter reserve_update -> close
    """),
    "transcode": _edges("""
        upload -> probe virus_scan
        probe virus_scan -> split
        split -> video_1080 video_720 video_480 audio subtitles thumbnails
        video_1080 video_720 video_480 -> package_hls package_dash
        audio -> package_hls package_dash
        subtitles -> package_hls package_dash
        thumbnails -> sprite
        package_hls package_dash -> encrypt
        encrypt sprite -> publish
        publish -> warm_cdn notify_owner index_search
    """),
    "training": _edges("""
        schedule data_drift -> snapshot
        snapshot -> features labels
        features labels -> split
        split -> train_linear train_trees train_network holdout
        train_linear train_trees train_network -> ensemble
        train_network -> distill
        holdout -> evaluate
        ensemble distill -> evaluate
        evaluate -> fairness latency
        fairness latency -> register
        register -> shadow
        shadow -> promote discard
        promote -> monitor
        monitor -> data_report
    """),
    "incident": _edges("""
        alert ticket customer_call -> triage
        triage -> page_on_call open_channel status_page
        page_on_call -> acknowledge escalate
        escalate -> acknowledge
        acknowledge open_channel -> diagnose
        diagnose -> mitigate vendor
        vendor -> mitigate
        mitigate -> verify
        verify -> diagnose resolve
        resolve -> status_page postmortem credit_customers
        postmortem -> actions review
        actions -> review
    """),
    "booking": _edges("""
        search partner_api -> availability
        availability -> quote_flight quote_hotel quote_car
        quote_flight quote_hotel quote_car -> bundle
        bundle -> hold_flight hold_hotel hold_car insure
        hold_flight hold_hotel hold_car -> payment
        insure -> payment
        payment -> ticket voucher contract invoice
        hold_flight -> seat_map
        seat_map -> ticket
        ticket voucher contract invoice -> itinerary
        itinerary -> mail calendar loyalty
        ticket -> loyalty
        payment -> release_all
        hold_hotel hold_car -> release_all
    """),
}


def grown(nodes: int, edges: int, seed: int) -> Edges:
    """Return a flow of that size such as grows over years: mostly local, some links far."""
    draw = random.Random(seed)
    found: dict[tuple[str, str], None] = {}
    for i in range(1, nodes):
        found[f"step_{draw.randint(max(0, i - 6), i - 1)}", f"step_{i}"] = None
    while len(found) < edges:
        i = draw.randint(1, nodes - 1)
        span = 20 if draw.random() < 0.15 else 7
        found[f"step_{draw.randint(max(0, i - span), i - 1)}", f"step_{i}"] = None
    return list(found)
