/** Chinese words of the desk: states, channels, tasks, waiting times. */

import { clock, dayKey } from "../chat/times";
import type { DeliveryState } from "./frames";
import type { AgentState, Allowance } from "./types";

export const AGENT_STATES: Record<AgentState, string> = {
  ready: "就绪",
  busy: "忙碌",
  break: "小休",
  offline: "离线",
};

/** As the server asks it. */
export const PASSWORD_LEAST = 10;

export const CHANNELS: Record<string, string> = {
  web: "网页",
  wechat: "微信",
  telegram: "Telegram",
  door: "接口",
};

export const SKILLS: Record<string, string> = {
  claims: "理赔",
  renewal: "续保",
  new_policy: "投保",
  complaint: "投诉",
  general: "综合",
};

export const EMOTIONS: Record<string, string> = {
  calm: "平静",
  anxious: "着急",
  angry: "愤怒",
  threat: "激烈",
  distress: "痛苦",
};

/** Emotions that an agent should see before the first word. */
export const TROUBLED = new Set(["anxious", "angry", "threat", "distress"]);

export const DELIVERIES: Record<DeliveryState, string> = {
  queued: "待发送",
  sending: "发送中",
  sent: "已发出",
  delivered: "已送达",
  failed: "未送达",
  parked: "等客户来消息后发送",
  unconfirmed: "不确定是否送达",
};

export const TICKET_STATES: Record<string, string> = {
  open: "待处理",
  working: "处理中",
  waiting: "等待中",
  resolved: "已有结果",
  closed: "已关闭",
};

export const TICKET_KINDS: Record<string, string> = {
  complaint: "投诉",
  claim: "理赔跟进",
  callback: "回电",
  correction: "更正",
  general: "事项",
};

export const CLAIM_STATES: Record<string, string> = {
  reported: "已报案",
  surveying: "查勘中",
  surveyed: "已查勘",
  documents_missing: "待补材料",
  loss_assessed: "已定损",
  adjudicating: "核赔中",
  approved: "已核定",
  paid: "已赔付",
  rejected: "拒赔",
  withdrawn: "已撤案",
};

export const POLICY_KINDS: Record<string, string> = { compulsory: "交强险", commercial: "商业险" };

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something lasts: 45秒, 3分12秒, 1小时5分, 2天3小时. */
export function lasting(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < MINUTE) return `${s}秒`;
  if (s < 10 * MINUTE) return `${Math.floor(s / MINUTE)}分${s % MINUTE ? `${s % MINUTE}秒` : ""}`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)}分`;
  if (s < DAY)
    return `${Math.floor(s / HOUR)}小时${Math.floor((s % HOUR) / MINUTE) ? `${Math.floor((s % HOUR) / MINUTE)}分` : ""}`;
  const hours = Math.floor((s % DAY) / HOUR);
  return `${Math.floor(s / DAY)}天${hours ? `${hours}小时` : ""}`;
}

/** 1:05, 12:40, 1:02:03: short and of a steady width, for lists that tick. */
export function ticking(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(s / HOUR), Math.floor((s % HOUR) / MINUTE)];
  if (hours >= 24) return `${Math.floor(hours / 24)}天`;
  const two = (n: number): string => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(s % MINUTE)}` : `${minutes}:${two(s % MINUTE)}`;
}

export function secondsSince(at: string, now: number): number {
  return (now - Date.parse(at)) / 1000;
}

/** 14:05 today, else 11-20 14:05. */
export function shortTime(at: string, now: number): string {
  const key = dayKey(at);
  return key === dayKey(new Date(now)) ? clock(at) : `${key.slice(5)} ${clock(at)}`;
}

/** What a channel that rations messages still allows; empty where it does not ration. */
export function allowanceWords(window: Allowance | null, now: number): string {
  if (!window || (window.left === null && window.until === null)) return "";
  const left = window.left === null ? "" : `还可发 ${window.left} 条`;
  if (window.until === null) return left;
  const seconds = (Date.parse(window.until) - now) / 1000;
  const until = seconds <= 0 ? "时间窗已过" : `剩 ${lasting(seconds)}`;
  return [left, until].filter(Boolean).join("，");
}

export function named(words: Record<string, string>, key: string | null | undefined): string {
  return key ? (words[key] ?? key) : "";
}
