/** Uploads of photos and PDF files: what is taken, why something is refused, and the transfer with progress. */

import { record, text } from "./guards";
import { parseAttachment, type Attachment } from "./protocol";

export const PHOTO_TYPES = ["image/jpeg", "image/png", "image/webp", "application/pdf"];
export const MAX_PHOTO_MB = 10;
export const MAX_PHOTOS = 9;

/** An upload that did not succeed, with a Chinese sentence for the customer. */
export class UploadProblem extends Error {
  constructor(
    message: string,
    /** Whether the same file may succeed later. */
    readonly again: boolean,
  ) {
    super(message);
  }
}

/** Why a file is refused before any byte is sent; null when it is fine. */
export function problemOf(file: { name: string; type: string; size: number }): string | null {
  if (/^image\/hei[cf]/.test(file.type) || /\.hei[cf]$/i.test(file.name)) {
    return "暂不支持 HEIC 照片，请在相机设置里选“兼容性最佳”，或另存为 JPG 后再传";
  }
  if (!PHOTO_TYPES.includes(file.type)) return "只支持 JPG、PNG、WebP 照片和 PDF 文件";
  if (file.size === 0) return "这个文件是空的，请重新选择";
  if (file.size > MAX_PHOTO_MB * 1024 * 1024) return `文件超过 ${MAX_PHOTO_MB} MB，请压缩后再传`;
  return null;
}

function answerOf(request: XMLHttpRequest): Attachment {
  let body = null;
  try {
    body = record(JSON.parse(request.responseText));
  } catch {
    // A proxy in between may answer with a page; the status alone decides then.
  }
  if (request.status >= 200 && request.status < 300) {
    const attachment = body && parseAttachment(body);
    if (attachment) return attachment;
  }
  const said = text(record(body?.error)?.message);
  const again = request.status >= 500 || request.status === 429 || request.status === 408;
  if (said) throw new UploadProblem(said, again);
  if (request.status === 413) throw new UploadProblem(`文件超过 ${MAX_PHOTO_MB} MB，请压缩后再传`, false);
  throw new UploadProblem("上传没有成功，请重试", true);
}

/** Where files go, and what says who sends them. */
export interface UploadTarget {
  url: string;
  headers: Record<string, string>;
}

/** Sends one photo. Rejects with `UploadProblem`; aborting the signal rejects too. */
export function uploadPhoto(
  target: UploadTarget,
  file: File,
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", target.url);
    for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
    request.timeout = 120_000;
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(Math.round((event.loaded / event.total) * 100));
    };
    request.onload = () => {
      try {
        resolve(answerOf(request));
      } catch (error) {
        reject(error as Error);
      }
    };
    request.onerror = () => reject(new UploadProblem("网络中断，照片没有传完，请重试", true));
    request.ontimeout = () => reject(new UploadProblem("上传超时，请重试", true));
    request.onabort = () => reject(new UploadProblem("已取消", false));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const form = new FormData();
    form.append("file", file, file.name || "photo.jpg");
    request.send(form);
  });
}
