/** The server's names in the words of the supervisors' pages, beside those that all pages share. */

import { SKILLS } from "../words";

export const ROLES: Record<string, string> = { agent: "坐席", supervisor: "主管", admin: "管理员" };
/** Steps that are written by hand. */
/** Why the server changed somebody's state; people's own reasons are words already. */
export const STATE_REASONS: Record<string, string> = { silent: "掉线" };

export const STEP_KINDS: Record<string, string> = {
  progress: "进展",
  contact: "联系了客户",
  called: "已回电",
  note: "内部备注",
};

/** On call-backs only: the customer is called again later. */
export const MISSED = { missed: "没有接通" };
export const ARTICLE_STATES: Record<string, string> = {
  draft: "草稿",
  review: "待审核",
  published: "已发布",
};
/** Who is nobody of ours. */
export const ARTICLE_AUTHORS: Record<string, string> = { "data/articles": "初始内容" };
export const GRADES: Record<string, string> = {
  verified: "已核对原文",
  secondary: "二手资料",
  configurable: "公司可配置",
};
export const GROUPS: Record<string, string> = {
  buying: "投保",
  renewing: "续保",
  compulsory: "交强险",
  covers: "保障责任",
  claims: "理赔",
  service: "服务",
  more: "更多",
};
export const DIALOGUES: Record<string, string> = {
  new_policy: "投保报价",
  renewal: "续保",
  report_claim: "报案",
  claim_progress: "理赔进度",
  claim_dispute: "理赔异议",
  policy_query: "保单查询",
  policy_change: "保单变更",
  policy_cancel: "退保",
  payment_issue: "缴费问题",
  invoice: "发票与电子保单",
  roadside_assistance: "道路救援",
  appointment: "预约",
  complaint: "投诉",
  human_agent: "转人工",
  none: "没有对应业务",
};
export const REVIEW_REASONS: Record<string, string> = {
  unanswered: "没答上",
  clarified: "让客户自己选",
  corrected: "客户说答错了",
  downvoted: "客户点了踩",
};
export const INTENTS: Record<string, string> = {
  report_claim: "报案",
  claim_progress: "查理赔进度",
  claim_dispute: "对理赔有异议",
  new_policy: "投保报价",
  renewal: "续保",
  policy_query: "查保单",
  policy_change: "保单变更",
  policy_cancel: "退保",
  payment_issue: "缴费问题",
  invoice: "发票",
  complaint: "投诉",
  human_agent: "转人工",
  roadside_assistance: "道路救援",
  appointment: "预约",
  faq: "保险知识（选主题）",
  inform: "回答上一句",
  change_answer: "更正某一项",
  cancel: "不办了",
  affirm: "同意",
  deny: "否定",
  repeat: "再说一遍",
  help: "怎么用",
  greet: "问候",
  thank: "感谢",
  goodbye: "道别",
  bot_challenge: "问是不是机器人",
  chitchat: "闲聊",
  abuse: "辱骂",
  out_of_scope: "与车险无关",
};
export const ENTITIES: Record<string, string> = {
  plate: "车牌",
  phone: "手机号",
  id_card: "身份证号",
  policy_no: "保单号",
  claim_no: "报案号",
  person_name: "姓名",
  datetime: "时间",
  location: "地点",
  car_model: "车型",
  amount: "金额",
  coverage: "险种",
  accident_type: "事故类型",
  vin: "车架号",
};
const DAY_KINDS: Record<string, string> = {
  workday: "工作日",
  weekend: "周末",
  holiday: "法定节假日",
  makeup: "调休上班",
  own: "自定",
};
export const WEEKDAYS = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"] as const;

export const dayKindName = (kind: string): string => DAY_KINDS[kind] ?? kind;
/** 理赔; 不限 where any skill will do. */
export const skillName = (skill: string | null): string => (skill ? (SKILLS[skill] ?? skill) : "不限");

export const SKILL_NAMES: readonly string[] = Object.keys(SKILLS);
