// The webcam's part of the page: takes pictures while its button is held.
// Holding means a pointer or the space bar; releasing it outside the button counts too.
const video = element.querySelector('video'), hold = element.querySelector('.webcam-hold');
const switcher = element.querySelector('.webcam-switch'), idle = element.querySelector('.webcam-idle');
const said = element.querySelector('[role=status]');
const {side: SIDE, most: MOST, rate: RATE} = element.querySelector('.webcam').dataset;
let stream = null, frames = [], timer = null, busy = false;
const show = (text) => { said.textContent = text; };
const off = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true; idle.hidden = false; hold.disabled = true;
    switcher.textContent = 'Switch the webcam on';
};
const on = async () => {
    try {
        stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, facingMode: 'user'}});
    } catch (error) {
        show('There is no webcam that this page may use: plug one in, allow it in the browser, and open the page by '
            + 'https or on the machine itself.');
        return;
    }
    video.srcObject = stream;
    await video.play();
    video.hidden = false; idle.hidden = true; hold.disabled = false;
    switcher.textContent = 'Switch the webcam off';
    show('');
};
switcher.addEventListener('click', () => (stream ? off() : on()));
const take = () => {
    const side = Math.min(Number(SIDE), video.videoWidth, video.videoHeight);
    const crop = Math.min(video.videoWidth, video.videoHeight);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = side;
    canvas.getContext('2d').drawImage(
        video, (video.videoWidth - crop) / 2, (video.videoHeight - crop) / 2, crop, crop, 0, 0, side, side);
    frames.push(new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.9)));
    show(`${frames.length} taken`);
    if (frames.length >= Number(MOST)) stop();
};
const start = () => {
    if (!stream || timer || busy) return;
    frames = [];
    take();
    timer = setInterval(take, 1000 / Number(RATE));
    hold.classList.add('held');
};
const stop = async () => {
    if (!timer) return;
    clearInterval(timer); timer = null; busy = true;
    hold.classList.remove('held');
    try {
        const blobs = await Promise.all(frames), paths = [];
        for (const [number, blob] of blobs.entries()) {
            show(`sending ${number + 1} of ${blobs.length}`);
            const sent = await upload(new File([blob], `webcam-${number + 1}.jpg`, {type: 'image/jpeg'}));
            paths.push(sent.path);
        }
        show(`${blobs.length} sent`);
        trigger('submit', {paths});
    } catch (error) {
        show('The pictures could not be sent: hold the button again.');
    } finally { busy = false; }
};
hold.addEventListener('pointerdown', (event) => { hold.setPointerCapture(event.pointerId); start(); });
for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) hold.addEventListener(name, stop);
hold.addEventListener('keydown', (event) => {
    if (event.key !== ' ') return;
    event.preventDefault();
    if (!event.repeat) start();
});
hold.addEventListener('keyup', (event) => { if (event.key === ' ') stop(); });
hold.addEventListener('blur', stop);
hold.addEventListener('contextmenu', (event) => event.preventDefault());
