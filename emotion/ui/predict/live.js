// The live camera's part of the page: pauses the camera where nobody sees it, and ends it when the server says so.
const camera = () => document.querySelector('#live-camera');
const button = (title) => camera()?.querySelector(`[title="${title} recording"]`)?.closest('button');
let paused = false, pictures = 0;
const pause = () => {
    const unseen = document.hidden || !camera()?.offsetParent;
    if (unseen && button('stop')) {
        button('stop').click();
        paused = true;
    } else if (!unseen && paused) {
        paused = false;
        button('start')?.click();
    }
};
document.addEventListener('visibilitychange', pause);
// An element on a hidden tab has no size.
new ResizeObserver(pause).observe(element);
watch('value', () => {
    element.dataset.pictures = pictures += 1;
    if (element.querySelector('[data-over]')) button('stop')?.click();
    pause();
});
