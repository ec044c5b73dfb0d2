"""The page's style: a theme with local fonts, and the path of the style sheet."""

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).resolve().parents[2] / "assets"
STYLE, ICON = ASSETS / "style.css", ASSETS / "favicon.png"
# The values of the theme's variables, in light and in dark.
VALUES = {
    "body_background_fill": ("#F6F7FB", "#0F131D"),
    "body_text_color_subdued": ("#5B677A", "#A3AFC2"),
    "block_background_fill": ("#FFFFFF", "#171C29"),
    "block_border_color": ("#E4E8F0", "#262D3D"),
    "block_border_width": ("1px", "1px"),
    "block_shadow": ("0 1px 2px rgba(20, 28, 50, 0.05)", "none"),
    "block_label_background_fill": ("transparent", "transparent"),
    "block_label_border_width": ("0px", "0px"),
    "block_label_text_color": ("#5B677A", "#A3AFC2"),
    "block_info_text_color": ("#5B677A", "#A3AFC2"),
    "block_title_text_color": ("#1E2537", "#E8ECF4"),
    "input_background_fill": ("#FFFFFF", "#10151F"),
    "input_border_color": ("#D5DBE6", "#313A4D"),
    "button_primary_background_fill": ("#4F46E5", "#5B54EC"),
    "button_primary_background_fill_hover": ("#4338CA", "#6D67F2"),
    "button_primary_text_color": ("#FFFFFF", "#FFFFFF"),
}


def theme() -> gr.themes.Base:
    """Return the theme; its fonts come with Gradio or the system."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        # Gradio's 600 weights contain only a few letters; a requested 600 falls back to the complete 700.
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    )
    light = {name: values[0] for name, values in VALUES.items()}
    dark = {f"{name}_dark": values[1] for name, values in VALUES.items()}
    return base.set(block_title_text_weight="600", input_border_width="1px", **light, **dark)
