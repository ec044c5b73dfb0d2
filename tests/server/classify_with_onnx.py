"""Classify a picture with an exported model: python classify_with_onnx.py DIR PICTURE. Needs no PyTorch."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

folder, picture = Path(sys.argv[1]), sys.argv[2]
steps = json.loads((folder / "preprocessor_config.json").read_text())
names = json.loads((folder / "config.json").read_text())["id2label"]
image = ImageOps.exif_transpose(Image.open(picture)).convert("RGB")
scale, crop = steps["size"]["shortest_edge"] / min(image.size), steps["crop_size"]["height"]
image = image.resize([int(side * scale) for side in image.size], Image.Resampling.BICUBIC)
left, top = ((side - crop) // 2 for side in image.size)
pixels = np.asarray(image.crop((left, top, left + crop, top + crop)), dtype=np.float32) / 255
pixels = ((pixels - steps["image_mean"]) / steps["image_std"]).transpose(2, 0, 1)[None].astype(np.float32)
[logits] = onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"pixel_values": pixels})
scores = np.exp(logits[0] - logits[0].max())
print(json.dumps({names[str(place)]: float(score) for place, score in enumerate(scores / scores.sum())}))
