// The live camera's part of the page: bars that keep their elements and so move, and a camera that pauses unseen.
const root = element.querySelector('.live-answer'), label = root.querySelector('.live-label');
const doubt = root.querySelector('.live-doubt'), bars = root.querySelector('.live-bars');
const rows = new Map();
const camera = () => document.querySelector('#live-camera');
const button = (title) => camera()?.querySelector(`[title="${title} recording"]`)?.closest('button');
const write = (place, text) => { if (place.textContent !== text) place.textContent = text; };
let paused = false;

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
// An element on a tab that is not shown has no size.
new ResizeObserver(pause).observe(element);

const row = (name) => {
    const made = document.createElement('div');
    made.innerHTML = '<b></b><span class="live-track"><i></i></span><span class="live-share"></span>';
    made.querySelector('b').textContent = name;
    rows.set(name, made);
    return made;
};
const draw = () => {
    if (!props.value) return;
    const told = JSON.parse(props.value);
    write(label, told.says);
    write(doubt, told.doubt || '');
    root.style.setProperty('--accent', told.accent || 'transparent');
    if (told.is_over) button('stop')?.click();
    if (!told.bars) return;
    const shown = told.bars.map(([name, share, colour]) => {
        const each = rows.get(name) || row(name);
        const bar = each.querySelector('i');
        bar.style.width = `${share * 100}%`;
        bar.style.background = colour;
        write(each.querySelector('.live-share'), `${Math.round(share * 100)} %`);
        return each;
    });
    if (shown.length !== bars.children.length || shown.some((each, place) => bars.children[place] !== each)) {
        bars.replaceChildren(...shown);
    }
    root.dataset.pictures = Number(root.dataset.pictures) + 1;
    pause();
};
watch('value', draw);
