/** Photos chosen but not yet sent: preview, upload at once, retry, remove. */

import { computed, onBeforeUnmount, ref, shallowReactive } from "vue";

import type { Attachment } from "./protocol";
import { MAX_PHOTOS, problemOf, uploadPhoto, UploadProblem, type UploadTarget } from "./uploads";

export interface Photo {
  id: number;
  name: string;
  file: File;
  preview: string;
  progress: number;
  problem: string;
  again: boolean;
  attachment: Attachment | null;
  abort: AbortController;
}

export type Photos = ReturnType<typeof usePhotos>;

let lastId = 0;

export function usePhotos(target: () => UploadTarget) {
  const photos = ref<Photo[]>([]);
  /** Problems of files that were not taken at all. */
  const refused = ref<string[]>([]);

  function add(files: Iterable<File>): void {
    clearRefused();
    for (const file of files) {
      const problem =
        photos.value.length >= MAX_PHOTOS ? `一次最多 ${MAX_PHOTOS} 张，请分几次发送` : problemOf(file);
      if (problem) {
        refused.value.push(`${file.name || "粘贴的文件"}：${problem}`);
        continue;
      }
      lastId += 1;
      const photo: Photo = shallowReactive({
        id: lastId,
        name: file.name || "照片",
        file,
        preview: URL.createObjectURL(file),
        progress: 0,
        problem: "",
        again: false,
        attachment: null,
        abort: new AbortController(),
      });
      photos.value.push(photo);
      void start(photo);
    }
  }

  /** Takes files that were pasted; text is pasted as ever. */
  function paste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    add(files);
  }

  async function start(photo: Photo): Promise<void> {
    photo.problem = "";
    photo.progress = 0;
    photo.abort = new AbortController();
    try {
      photo.attachment = await uploadPhoto(
        target(),
        photo.file,
        (percent) => (photo.progress = percent),
        photo.abort.signal,
      );
    } catch (error) {
      photo.problem = error instanceof Error ? error.message : "上传没有成功，请重试";
      photo.again = error instanceof UploadProblem && error.again;
    }
  }

  function remove(id: number): void {
    const photo = photos.value.find((item) => item.id === id);
    if (!photo) return;
    photo.abort.abort();
    URL.revokeObjectURL(photo.preview);
    photos.value = photos.value.filter((item) => item.id !== id);
  }

  /** Takes the finished photos out of the tray; unfinished and failed ones stay. */
  function take(): Attachment[] {
    const done = photos.value.filter((photo) => photo.attachment);
    done.forEach((photo) => remove(photo.id));
    return done.flatMap((photo) => photo.attachment ?? []);
  }

  function retry(id: number): void {
    const photo = photos.value.find((item) => item.id === id);
    if (photo) void start(photo);
  }

  onBeforeUnmount(() => photos.value.forEach((photo) => remove(photo.id)));

  function clearRefused(): void {
    refused.value = [];
  }

  return {
    photos,
    clearRefused,
    refused,
    busy: computed(() => photos.value.some((photo) => !photo.attachment && !photo.problem)),
    done: computed(() => photos.value.some((photo) => photo.attachment)),
    add,
    paste,
    remove,
    retry,
    take,
  };
}
