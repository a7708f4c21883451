# SPDX-License-Identifier: BSD-3-Clause
"""The page of a report: HTML, styles and the plotly library in one file that needs no network."""
import base64
import gzip
import html
import json

STYLE = """
:root{--ink:#1a1a1a;--soft:#555;--line:#d5d9de;--accent:#0072B2;--back:#fff}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,"DejaVu Sans",sans-serif;color:var(--ink);background:var(--back)}
main,header{max-width:1060px;margin:0 auto;padding:0 20px}h1{font-size:1.7rem;margin:1.2rem 0 .2rem}h2{font-size:1.2rem;margin:0}
p{margin:.3rem 0}.soft,figcaption{color:var(--soft);font-size:.88rem}nav{position:sticky;top:0;background:var(--back);border-bottom:1px solid var(--line);
z-index:5}nav ul{max-width:1060px;margin:0 auto;padding:6px 20px;display:flex;flex-wrap:wrap;gap:2px 14px;list-style:none;font-size:.88rem}
a{color:var(--accent)}a:focus-visible,summary:focus-visible,.plot:focus-visible{outline:3px solid #D55E00;outline-offset:2px}
.skip{position:absolute;left:-9999px}.skip:focus{left:8px;top:8px;background:#fff;padding:6px;z-index:9}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:10px;margin:14px 0;padding:0}
.card{border:1px solid var(--line);border-radius:6px;padding:9px 12px}.card b{display:block;font-size:1.12rem}.card span{color:var(--soft);font-size:.82rem}
figure{margin:22px 0;padding:14px 0 0;border-top:1px solid var(--line);scroll-margin-top:50px}section{scroll-margin-top:50px}
table{border-collapse:collapse;margin:8px 0;font-size:.88rem}th,td{text-align:left;padding:3px 14px 3px 0;border-bottom:1px solid var(--line);
font-variant-numeric:tabular-nums;overflow-wrap:break-word}.wide{overflow-x:auto}pre{font-size:.78rem;overflow:auto;max-height:420px;border:1px solid var(--line);padding:10px}
@media print{nav,.skip{display:none}figure{break-inside:avoid}pre{max-height:none}main,header{max-width:none}}
"""
# Figures are drawn one after the other, so that the page can be read meanwhile; drawing again fits them to the paper.
SCRIPT = """
(async()=>{const figures=JSON.parse(document.getElementById('figures').textContent);
const packed=document.getElementById('plotly').textContent.trim();
const bytes=Uint8Array.from(atob(packed),c=>c.charCodeAt(0));
const text=await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
const code=document.createElement('script');code.textContent=text;document.head.appendChild(code);
const base={font:{family:'system-ui, DejaVu Sans, sans-serif',size:13,color:'#1a1a1a'},margin:{l:70,r:20,t:30,b:48},paper_bgcolor:'#fff',
plot_bgcolor:'#fff',hoverlabel:{namelength:-1},legend:{font:{size:12}}};
const grid={gridcolor:'#e3e6ea',zerolinecolor:'#9aa0a6',automargin:true};
for(const f of figures){const at=document.getElementById('plot-'+f.key);if(!f.data.length)continue;
const layout={...base,...f.layout,height:f.height,xaxis:{...grid,...f.layout.xaxis},yaxis:{...grid,...f.layout.yaxis}};
await Plotly.newPlot(at,f.data,layout,{responsive:true,displaylogo:false});await new Promise(r=>setTimeout(r));}
const fit=()=>document.querySelectorAll('.js-plotly-plot').forEach(p=>Plotly.Plots.resize(p));
addEventListener('beforeprint',fit);addEventListener('afterprint',fit);document.body.dataset.ready=Math.round(performance.now());})();
"""


def escape(text):
    return html.escape(str(text), quote=True)


def table(header, rows, caption=""):
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    title = f"<caption class=skip>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figure_html(figure):
    key, values = figure["key"], figure["table"]
    plot = ""
    if figure["data"]:
        plot = (f'<div class="plot" id="plot-{key}" role="img" tabindex="0" aria-label="{escape(figure["title"])}. '
                f'{escape(figure["says"])}" style="min-height:{figure["height"]}px"></div>')
    numbers = f"<details><summary>values</summary>{table(*values, figure['title'])}</details>" if values else ""
    return (f'<figure id="{key}"><h2>{escape(figure["title"])}</h2><p>{escape(figure["says"])}</p>{plot}'
            f'<figcaption>from {escape(figure["source"])}</figcaption>{numbers}</figure>')


def cards(rows):
    return '<div class="cards">' + "".join(f'<div class="card"><span>{escape(label)}</span><b>{escape(text)}</b><span>{escape(source)}</span></div>'
                                           for label, text, source in rows) + "</div>"


def section(key, title, content):
    return f'<section id="{key}"><h2>{escape(title)}</h2>{content}</section>'


def page(title, intro, top, figures, sections, plotly_js):
    """The whole page. top: HTML under the title; sections: (key, title, HTML) after the figures."""
    links = [(figure["key"], figure["title"]) for figure in figures] + [(key, name) for key, name, _ in sections]
    nav = "".join(f'<li><a href="#{key}">{escape(name)}</a></li>' for key, name in links)
    drawn = [{key: figure[key] for key in ("key", "data", "layout", "height")} for figure in figures]
    data = json.dumps(drawn, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    packed = base64.b64encode(gzip.compress(plotly_js.encode(), 9, mtime=0)).decode()
    body = "".join(map(figure_html, figures)) + "".join(section(*one) for one in sections)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head><body>'
            f'<a class="skip" href="#content">to the content</a><header><h1>{escape(title)}</h1><p class="soft">{escape(intro)}</p></header>'
            f'<nav aria-label="parts of the page"><ul>{nav}</ul></nav><main id="content">{top}'
            f'<noscript><p>The pictures need JavaScript; the sentences and tables do not.</p></noscript>{body}</main>'
            f'<script type="application/json" id="figures">{data}</script><script type="text/plain" id="plotly">{packed}</script>'
            f"<script>{SCRIPT}</script></body></html>\n")
