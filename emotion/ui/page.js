// What the page has that Gradio lacks. Runs in its head, before Gradio.

// Gradio's dropdown handles a key with a delay, after Tab has left it, and would open again over the next field.
document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && event.target.matches('[role=combobox]')) event.stopPropagation();
}, true);

// Arrow keys move between tabs.
document.addEventListener('keydown', (event) => {
    const tab = event.target.closest?.('[role=tab]'), step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.parentElement.querySelectorAll('[role=tab]')].filter((each) => each.offsetParent);
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
    event.preventDefault();
});

// The skip link moves the focus past the header.
document.addEventListener('click', (event) => {
    if (!event.target.closest?.('.skip')) return;
    event.preventDefault();
    document.querySelector('#tabs [role=tab][aria-selected=true]').focus();
});

// The accessible name of a file field must contain its visible text, for users of voice control.
new MutationObserver(() => {
    for (const field of document.querySelectorAll('button.upload-container[aria-label]')) {
        const text = field.innerText.trim().replace(/\s+/g, ' ');
        if (text && field.ariaLabel !== text) field.ariaLabel = text;
    }
    const search = document.querySelector('#runs-table input:not([aria-label])');
    if (search) search.ariaLabel = 'Search the runs';
}).observe(document.documentElement, {subtree: true, childList: true});

// Gradio never hears of an event that joins its queue just while the stream of answers to the last one ends. So a join is
// answered a moment later, when that end is known and a new stream is opened; but not a live camera's, whose next picture
// comes at once.
const ask = window.fetch, isLive = () => document.querySelector('#live-camera [title="stop recording"]');
window.fetch = async (...asked) => {
    const answer = await ask(...asked);
    if (String(asked[0]).includes('/queue/join') && !isLive()) await new Promise((done) => setTimeout(done, 25));
    return answer;
};

// Most browsers give HEIC files no type, and the widgets accept only files with an image type.
const type = Object.getOwnPropertyDescriptor(Blob.prototype, 'type');
Object.defineProperty(File.prototype, 'type', {
    get() { return type.get.call(this) || (/\.hei[cf]$/i.test(this.name) ? 'image/heic' : ''); },
});

// The address says what one sees: its tab, run and comparison. In a Space, the outer page copies it from the message.
window.emotionAddress = (name, value) => {
    const address = new URL(location);
    if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
    try { sessionStorage.setItem('emotion-run', address.searchParams.get('run') ?? ''); } catch { }
    if (address.href === location.href) return;
    history.replaceState(history.state, '', address);
    if (parent !== window) {
        const asked = new URLSearchParams(address.search);
        for (const name of ['__theme', '__sign']) asked.delete(name);
        parent.postMessage({queryString: asked.toString()}, '*');
    }
};
// A run that this page itself wrote there, and of which it showed no comparison, is none that a link asks for: after a
// reload a newer one may be in use.
const asked = new URLSearchParams(location.search);
try {
    const own = sessionStorage.getItem('emotion-run') === asked.get('run');
    if (own && !asked.has('comparison')) asked.delete('run');
} catch { }
window.emotionAsked = () => '?' + asked;
