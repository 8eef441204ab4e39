import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { MemoryStore, Saved } from "../src/chat/storage";
import { deliveries, FakeServer, openTab, texts } from "./fakes";

let server: FakeServer;
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const stored = (): string[] => server.rows.filter((row) => row.from === "customer").map((row) => row.text);

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("sending", () => {
  it("shows a message at once and as delivered after the acknowledgement", async () => {
    const { client } = openTab(server);
    client.send({ text: "你好" }, "你好");
    expect(deliveries(client)).toEqual(["sending"]);
    await settle();
    expect(deliveries(client)).toEqual(["delivered"]);
    expect(stored()).toEqual(["你好"]);
  });

  it("keeps order when many are sent at once", async () => {
    const { client } = openTab(server);
    const said = ["一", "二", "三", "四"];
    said.forEach((text) => client.send({ text }, text));
    await settle();
    expect(stored()).toEqual(said);
    expect(texts(client)).toEqual(said);
  });

  it("marks a refused message as failed, with the reason, and sends it again under its id when asked", async () => {
    server.refusals.push({ code: "message_refused", message: "没有收到文字内容" });
    const { client } = openTab(server);
    client.send({ text: "……" }, "……");
    client.send({ text: "后一条" }, "后一条");
    await settle();
    const failed = client.entries.find((entry) => entry.delivery === "failed");
    expect(failed?.problem).toBe("没有收到文字内容");
    expect(stored()).toEqual(["后一条"]);
    client.retry(failed?.key ?? "");
    await settle();
    expect(stored()).toEqual(["后一条", "……"]);
    const ids = server.received.filter((frame) => frame.text === "……").map((frame) => frame.id);
    expect(new Set(ids).size).toBe(1);
  });

  it("waits and goes on when the server asks to slow down", async () => {
    server.refusals.push({ code: "rate_limited", message: "发送得太快了" });
    const { client } = openTab(server);
    client.send({ text: "一" }, "一");
    client.send({ text: "二" }, "二");
    await settle(2_500);
    expect(stored()).toEqual(["一", "二"]);
    expect(deliveries(client)).toEqual(["delivered", "delivered"]);
  });
});

describe("waiting for an answer", () => {
  it("shows that the bot is at work until it answers", async () => {
    const { client } = openTab(server);
    client.send({ text: "你好" }, "你好");
    await settle();
    expect(client.typing).toBe("bot");
    server.say("您好");
    expect(client.typing).toBeNull();
  });

  it("stops by itself when no answer comes", async () => {
    const { client } = openTab(server);
    client.send({ text: "你好" }, "你好");
    await settle(11_000);
    expect(client.typing).toBeNull();
  });
});

describe("a customer who writes", () => {
  it("says so now and then, and at once after each message", async () => {
    const { client } = openTab(server);
    await settle();
    const signs = (): number => server.received.filter((frame) => frame.type === "typing").length;
    client.sendTyping();
    client.sendTyping();
    expect(signs()).toBe(1);
    client.send({ text: "一" }, "一");
    client.sendTyping();
    expect(signs()).toBe(2);
    await settle(3_000);
    client.sendTyping();
    expect(signs()).toBe(3);
  });
});

describe("a broken line", () => {
  it("resumes after the last message and gets what was missed, once", async () => {
    const { client } = openTab(server);
    server.say("一");
    await settle();
    server.sockets[0]?.break();
    server.say("二");
    await settle(1_000);
    expect(texts(client)).toEqual(["一", "二"]);
    expect(server.received.filter((frame) => frame.type === "hello").map((frame) => frame.after)).toEqual([
      0, 1,
    ]);
  });

  it("does not resume behind an acknowledged message while earlier ones are missing", async () => {
    const { client } = openTab(server);
    await settle();
    server.sockets[0]?.mute();
    server.say("自己来的一条");
    server.sockets[0]?.break();
    client.send({ text: "我的" }, "我的");
    await settle(1_000);
    expect(texts(client)).toEqual(["自己来的一条", "我的"]);
  });

  it("sends what was written meanwhile once, in order", async () => {
    const { client } = openTab(server);
    await settle();
    client.goOffline();
    client.send({ text: "一" }, "一");
    client.send({ text: "二" }, "二");
    expect(deliveries(client)).toEqual(["waiting", "waiting"]);
    client.retryNow();
    await settle();
    expect(stored()).toEqual(["一", "二"]);
    expect(deliveries(client)).toEqual(["delivered", "delivered"]);
  });

  it("does not double a message whose acknowledgement was lost", async () => {
    const { client } = openTab(server);
    await settle();
    server.loseAcks = true;
    client.send({ text: "一" }, "一");
    await settle();
    expect(deliveries(client)).toEqual(["sending"]);
    server.loseAcks = false;
    await settle(15_000);
    expect(stored()).toEqual(["一"]);
    expect(texts(client)).toEqual(["一"]);
    expect(deliveries(client)).toEqual(["delivered"]);
  });

  it("calls a message failed that is never answered, and lets the next one pass", async () => {
    const { client } = openTab(server);
    await settle();
    const take = server.take.bind(server);
    server.take = (socket, frame) => (frame.text === "毒" ? socket.break() : take(socket, frame));
    client.send({ text: "毒" }, "毒");
    client.send({ text: "后面的" }, "后面的");
    await settle(60_000);
    expect(stored()).toEqual(["后面的"]);
    expect(client.entries.find((entry) => entry.message.text === "毒")?.delivery).toBe("failed");
  });

  it("begins anew when the ledger was put back", async () => {
    const { client } = openTab(server);
    server.say("旧的一");
    server.say("旧的二");
    await settle();
    server.rows.length = 0;
    server.sockets[0]?.break();
    server.say("新的");
    await settle(2_000);
    expect(texts(client)).toEqual(["新的"]);
  });

  it("notices a silent server by itself", async () => {
    const { client } = openTab(server);
    await settle();
    server.deaf.add("ping");
    await settle(36_000);
    expect(server.received.filter((frame) => frame.type === "hello").length).toBeGreaterThan(1);
    expect(client.status).toBe("online");
  });

  it("waits longer after each failure", async () => {
    server.reachable = false;
    const store = new MemoryStore();
    new Saved(store).session = { token: "t", conversation: "c", opened: Date.now() };
    const { client } = openTab(server, store);
    let tries = 0;
    const open = server.open;
    server.open = () => {
      tries += 1;
      return open();
    };
    await settle(60_000);
    expect(client.status).toBe("waiting");
    expect(server.sockets).toHaveLength(0);
    server.reachable = true;
    client.retryNow();
    await settle();
    expect(client.status).toBe("online");
    expect(tries).toBeLessThan(30);
  });
});

describe("a reload", () => {
  it("restores the history and keeps the session", async () => {
    const first = openTab(server);
    first.client.send({ text: "你好" }, "你好");
    await settle();
    server.say("您好");
    first.client.stop();
    const second = openTab(server, first.store);
    await settle();
    expect(texts(second.client)).toEqual(["你好", "您好"]);
    expect(second.client.ready).toBe(true);
    expect(server.sessions).toEqual([null]);
  });

  it("sends what was unsent, also when the server already had it", async () => {
    const first = openTab(server);
    await settle();
    server.loseAcks = true;
    first.client.send({ text: "已到账本" }, "已到账本");
    await settle();
    first.client.goOffline();
    first.client.send({ text: "没发出" }, "没发出");
    first.client.stop();
    server.loseAcks = false;
    const second = openTab(server, first.store);
    expect(texts(second.client)).toEqual(["已到账本", "没发出"]);
    await settle();
    expect(stored()).toEqual(["已到账本", "没发出"]);
    expect(new Saved(first.store).unsent).toEqual([]);
  });

  it("opens a new session when the old one has expired and loses nothing unsent", async () => {
    const { client, store } = openTab(server);
    await settle();
    client.goOffline();
    client.send({ text: "还在" }, "还在");
    server.expired = true;
    client.retryNow();
    await settle(1_000);
    expect(new Saved(store).session?.token).toBe("token-2");
    expect(stored()).toEqual(["还在"]);
  });

  it("renews a session that is older than a day", async () => {
    const store = new MemoryStore();
    new Saved(store).session = { token: "old", conversation: "c1", opened: Date.now() - 2 * 86_400_000 };
    openTab(server, store);
    await settle();
    expect(server.sessions).toEqual(["old"]);
  });
});

describe("two tabs", () => {
  it("show each other's messages and send each once", async () => {
    const first = openTab(server);
    await settle();
    const second = openTab(server, first.store);
    await settle();
    first.client.goOffline();
    first.client.send({ text: "从第一个" }, "从第一个");
    const key = first.store.keys().find((name) => name.includes("unsent")) ?? "";
    second.client.storageChanged(key);
    expect(texts(second.client)).toEqual(["从第一个"]);
    expect(stored()).toEqual([]);
    first.client.retryNow();
    await settle();
    second.client.storageChanged(key);
    expect(texts(second.client)).toEqual(["从第一个"]);
    expect(stored()).toEqual(["从第一个"]);
  });
});
