/** Files dragged anywhere onto the page. */

import { onBeforeUnmount, onMounted, ref, type Ref } from "vue";

/** Returns whether files hover over the page now. */
export function useDrop(take: (files: FileList) => void): Ref<boolean> {
  const hovering = ref(false);

  function over(event: DragEvent): void {
    event.preventDefault();
    hovering.value = event.dataTransfer?.types.includes("Files") ?? false;
  }
  function leave(event: DragEvent): void {
    // Leaving the window has no element to go to.
    if (event.relatedTarget === null) hovering.value = false;
  }
  function drop(event: DragEvent): void {
    event.preventDefault();
    hovering.value = false;
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
  }

  onMounted(() => {
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
  });
  onBeforeUnmount(() => {
    document.removeEventListener("dragover", over);
    document.removeEventListener("dragleave", leave);
    document.removeEventListener("drop", drop);
  });
  return hovering;
}
