"""What the manual never lets anyone say to a customer, for every test that reads customers' texts."""

PHRASES = (
    "这不是我的责任",
    "您搞错了",
    "这是规定",
    "没办法",
    "等一下",
    "我不知道",
    "不可能",
    "绝对不行",
    "您必须",
    "您应该",
    "这很简单",
)
