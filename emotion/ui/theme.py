"""The page's style: a theme with local fonts, and the path of the style sheet."""

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).resolve().parents[2] / "assets"
STYLE, ICON = ASSETS / "style.css", ASSETS / "favicon.png"


def theme() -> gr.themes.Base:
    """Return the theme; its fonts come with Gradio or the system."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        # Gradio's 600 weights contain only a few letters; a requested 600 falls back to the complete 700.
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    ).set(
        body_background_fill="#F6F7FB",
        body_background_fill_dark="#0F131D",
        block_background_fill="#FFFFFF",
        block_background_fill_dark="#171C29",
        block_border_width="1px",
        block_border_color="#E4E8F0",
        block_border_color_dark="#262D3D",
        block_shadow="0 1px 2px rgba(20, 28, 50, 0.05)",
        block_shadow_dark="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_title_text_weight="600",
        body_text_color_subdued="#5B677A",
        body_text_color_subdued_dark="#A3AFC2",
        block_info_text_color="#5B677A",
        block_info_text_color_dark="#A3AFC2",
        block_title_text_color="#1E2537",
        block_title_text_color_dark="#E8ECF4",
        block_label_text_color="#5B677A",
        block_label_text_color_dark="#A3AFC2",
        input_border_width="1px",
        input_border_color="#D5DBE6",
        input_border_color_dark="#313A4D",
        input_background_fill="#FFFFFF",
        input_background_fill_dark="#10151F",
        button_primary_background_fill="#4F46E5",
        button_primary_background_fill_hover="#4338CA",
        button_primary_background_fill_dark="#5B54EC",
        button_primary_background_fill_hover_dark="#6D67F2",
        button_primary_text_color="#FFFFFF",
        button_primary_text_color_dark="#FFFFFF",
    )
