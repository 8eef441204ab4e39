import pytest
pytestmark = pytest.mark.asyncio
async def test_smoke(stand):
    import pprint
    o=stand.office
    print(await o.customers(phone="13800000001"))
    pprint.pprint(await o.renewal_options(plate="京A12345", as_customer="C001"))
    pprint.pprint(await o.claims(as_customer="C002"))
    q=await o.create_quote({"plate":"京A12345","customer_id":"C001","plan":"last_year","city":"北京"},stand.key())
    pprint.pprint(q)
    a=await o.create_application({"kind":"renewal","quote_no":q["quote_no"],"policyholder":{"name":"王建国","phone":"13800000001","customer_id":"C001"},"clauses_acknowledged":{"version":"2026-01","at_message_id":"m1"},"reference":"conv1"},stand.key())
    pprint.pprint(a)
    r=await stand.http.get(a["pay_url"])
    print(r.text)
    r=await stand.http.post(a["pay_url"]); print(r.status_code,r.headers)
    r=await stand.http.get(a["pay_url"]); print(r.text)
    print(await stand.deliver(), await stand.deliver())
    for x in stand.hub.taken: print(x.content.decode())
    assert 0
