"""How the page looks, in light and dark, wide and narrow; and the script that folds and searches.

Everything reads without colour: lines differ by dashes, regions by patterns and names, verdicts by
signs and words. Everything works without the script too, but the search.
"""

CSS = """
:root{color-scheme:light dark;--paper:#fbfaf8;--card:#fff;--ink:#1d1f24;--soft:#5c616b;
--line:#dfdcd5;--faint:#f1efea;--accent:#0a6c74;--accent-soft:#0a6c7422;--network:#e3a54a;
--bad:#b3261e;--bad-soft:#b3261e18;--good:#2c6e3f;--good-soft:#2c6e3f18;--warn:#8a5a00;
--warn-soft:#8a5a0018;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",
monospace;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1c1f24;--ink:#e8e6e1;
--soft:#a2a7b0;--line:#343942;--faint:#24282f;--accent:#5cc4cc;--accent-soft:#5cc4cc26;
--network:#a8742a;--bad:#ff8a80;--bad-soft:#ff8a8022;--good:#7fcf95;--good-soft:#7fcf9520;
--warn:#e8b458;--warn-soft:#e8b45820}}
*{box-sizing:border-box}
html{scroll-padding-top:4.5rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans)}
main,header .inner,nav .inner{max-width:70rem;margin:0 auto;padding:0 1.25rem}
header{padding:2.2rem 0 1.4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .5rem;overflow-wrap:anywhere;letter-spacing:-.01em}
h2{font-size:1.25rem;margin:0 0 .9rem;letter-spacing:-.005em}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.4rem 0}
a{color:var(--accent);text-underline-offset:2px}
nav{position:sticky;top:0;z-index:2;background:var(--paper);border-block:1px solid var(--line)}
nav .inner{display:flex;gap:.2rem 1.1rem;align-items:center;padding-block:.55rem;
 overflow-x:auto;scrollbar-width:none}
nav a{text-decoration:none;white-space:nowrap;font-size:.92rem}
nav a:hover{text-decoration:underline}
nav input{margin-left:auto;min-width:6rem;max-width:16rem;flex:1 1 6rem;font:inherit;
font-size:.92rem;
padding:.25rem .6rem;border:1px solid var(--line);border-radius:.4rem;background:var(--card);
color:var(--ink)}
section{background:var(--card);border:1px solid var(--line);border-radius:.7rem;
padding:1.25rem 1.4rem;margin:1.1rem 0}
section section{border:0;border-top:1px solid var(--line);border-radius:0;padding:1rem 0 0;
margin:1.1rem 0 0}
code,.code,pre{font-family:var(--mono);font-size:.87rem}
code{overflow-wrap:anywhere}
pre{overflow-x:auto;background:var(--faint);padding:.7rem .9rem;border-radius:.4rem;margin:.5rem 0}
small,.note,figcaption{color:var(--soft);font-size:.87rem}
.lead-in{display:flex;flex-wrap:wrap;gap:.4rem .8rem;align-items:center;margin:.3rem 0}
.badge{display:inline-block;padding:.1rem .6rem;border-radius:1rem;font-weight:600;font-size:.9rem;
border:1px solid currentColor;white-space:nowrap}
.badge.proved,.badge.proved_to_length,.badge.proved_to_solver_tolerance{color:var(--good);
background:var(--good-soft)}
.badge.tested,.badge.unknown{color:var(--warn);background:var(--warn-soft);border-style:dashed}
.badge.refuted{color:var(--bad);background:var(--bad-soft);border-style:double;border-width:3px}
main,header{overflow-wrap:anywhere}dl>*{min-width:0}
dl{display:grid;grid-template-columns:fit-content(14rem) minmax(0,1fr);
gap:.15rem 1rem;margin:.5rem 0;
font-size:.92rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
ul{padding-left:1.2rem;margin:.4rem 0}
details>summary{cursor:pointer;padding:.15rem 0}
details.level>summary{font-weight:600}
details.level{margin:.3rem 0}
.code{background:var(--faint);border-radius:.5rem;padding:.6rem .8rem;overflow-x:auto}
.definition>summary{list-style-position:outside;margin-left:1.1rem}
.definition+.definition{margin-top:.6rem}
.line{display:flex;gap:.8rem;align-items:baseline;min-height:1.45rem}
.line .text{padding-left:calc(var(--depth)*1.15rem + .35rem);flex:1;white-space:pre-wrap}
.line .count{flex:0 0 4.2rem;text-align:right;color:var(--soft);font-size:.82rem;
border-right:1px solid var(--line);padding-right:.6rem;font-variant-numeric:tabular-nums}
.line .count a{color:inherit}
.line.unseen{background:var(--warn-soft);outline:1px dashed var(--warn);border-radius:.25rem}
.never{color:var(--warn);font-family:var(--sans);font-size:.8rem;font-weight:600;margin-left:.8rem;
white-space:nowrap}
.code b{color:var(--soft);font-weight:700}
section>section:first-of-type{border-top:0;margin-top:0;padding-top:0}
figure{margin:1rem 0}.row>figure{max-width:22.5rem;margin:.4rem 0}figcaption{margin-top:.3rem;
max-width:46rem}
.scroll{overflow-x:auto}
.row{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem;align-items:flex-end}
svg{display:block;max-width:none;font-family:var(--sans)}
svg.defs{position:absolute}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--soft);font-weight:600;border-bottom:1.5px solid var(--line)}
th,td{padding:.2rem .9rem .2rem 0;vertical-align:top;max-width:34rem;overflow-wrap:break-word}
tbody tr+tr td{border-top:1px solid var(--faint)}
.truth th,.truth td{padding:.1rem .8rem .1rem 0;font-family:var(--mono);font-size:.84rem}
.truth td{font-weight:600}.truth td.faint{font-weight:400;color:var(--soft)}
.truth .value{border-left:1px solid var(--line);padding-left:.8rem}
.claims{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));
gap:1rem 2rem}
.claims h3{margin-top:0}article p{overflow-wrap:anywhere}
.ladder{list-style:none;padding:0;margin:.4rem 0}
.ladder li{padding:.2rem .7rem;border-left:3px solid var(--line)}
.ladder .here{border-left:5px solid var(--accent);background:var(--accent-soft)}
.counter,.decision{border-left:3px solid var(--line);padding-left:.8rem;margin:.45rem 0}
.counter{border-color:var(--bad)}
:target{outline:2px solid var(--accent);outline-offset:3px;border-radius:.3rem}
.bars{margin:.5rem 0;max-width:44rem}
.bar-row{display:grid;grid-template-columns:minmax(4rem,10rem) 1fr auto;gap:.7rem;
align-items:center;
font-size:.88rem;padding:.1rem 0}
.bar-name{font-family:var(--mono);font-size:.82rem;overflow-wrap:anywhere}
.bar{height:.7rem;background:linear-gradient(var(--accent),var(--accent)) left/max(var(--share),
1px)
100% no-repeat var(--faint);border-radius:.2rem}
.bar-value{font-variant-numeric:tabular-nums}
footer{color:var(--soft);font-size:.85rem;padding:1rem 0 3rem}
[hidden]{display:none!important}
.grid{stroke:var(--line);fill:none}
.tick{fill:var(--soft);font-size:11px}.axis{fill:var(--ink);font-size:12px}.strong{font-weight:600}
.mark,.name{fill:var(--ink);font-size:11px;paint-order:stroke;stroke:var(--card);stroke-width:3px}
.name{font-size:12px;font-weight:600}
.program{fill:none;stroke:var(--ink);stroke-width:1.6;stroke-linejoin:round}
.s1{stroke-dasharray:7 3}.s2{stroke-dasharray:2 3}.s3{stroke-dasharray:9 3 2 3}
.network{fill:none;stroke:var(--network);stroke-width:6;stroke-linejoin:round;opacity:.55}
.shade{fill:var(--ink)}
.bad{fill:var(--card);stroke:var(--bad);stroke-width:2.5}
.hatch{stroke:var(--ink);stroke-width:1.1;fill:none;opacity:.55}
.paper{fill:var(--faint)}.filled{fill:var(--ink)}
.hollow{fill:none;stroke:var(--ink);stroke-width:1.2}
.state{fill:var(--faint);stroke:var(--ink);stroke-width:1.5}
.start{fill:none;stroke:var(--ink)}
.edge{fill:none;stroke:var(--soft);stroke-width:1.5}.head{fill:var(--soft)}
.unit{fill:var(--card);stroke:var(--ink);stroke-width:1.4}
.ring{fill:none;stroke:var(--accent);stroke-width:2.2}
.link{stroke:var(--soft);fill:none;opacity:.55}.link0{opacity:.2}.link3{opacity:.85}
.negative{stroke-dasharray:4 3}
.chip{fill:var(--accent-soft);stroke:var(--accent)}
.chip-text{fill:var(--ink);font-size:11px;font-family:var(--mono)}
.lead{fill:none;stroke:var(--accent);stroke-width:1.3}
.letter{font-size:10px;font-weight:700;fill:var(--ink)}
.group{stroke:var(--ink);stroke-width:1;fill-opacity:.22;stroke-opacity:.5}
@media (max-width:40rem){main,header .inner,nav .inner{padding-inline:.8rem}
section{padding:1rem .9rem;border-radius:.5rem}.line .count{flex-basis:2.7rem;padding-right:.35rem}
.line{gap:.35rem}.code{padding:.5rem .35rem}
dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:.35rem}
.bar-row{grid-template-columns:6rem 1fr auto}h1{font-size:1.35rem}}
@media print{nav{display:none}section{break-inside:avoid}}
"""

_GROUPS = ("#3b7dd8", "#d9772b", "#3f9b5a", "#b04aa5", "#c2a21d", "#5b6b7a", "#c94f4f", "#2aa6a0")
CSS += "".join(f".group{i},.ground{i}{{fill:{c}}}" for i, c in enumerate(_GROUPS))
CSS += ".ground0,.ground1,.ground2,.ground3,.ground4,.ground5,.ground6,.ground7{fill-opacity:.3}"
CSS += "".join(f".pattern{i}{{fill:url(#pattern{i})}}" for i in range(8))
CSS += "".join(f".shade{i}{{fill-opacity:{0.04 + 0.105 * i:.3f}}}" for i in range(9))

SCRIPT = """
(function(){
var box=document.getElementById('search'),none=document.getElementById('nothing');
box.hidden=false;
var kinds='.line,tr,article,details,figure,li,dd,p';
var items=[].slice.call(document.querySelectorAll(kinds));
var leaves=items.filter(function(e){return !e.querySelector(kinds)});
var sections=[].slice.call(document.querySelectorAll('main section'));
var folds=[].slice.call(document.querySelectorAll('details')),before=null;
function search(){
var word=box.value.trim().toLowerCase(),hits=0;
if(!word){sections.concat(leaves).forEach(function(e){e.hidden=false});
if(before){folds.forEach(function(e,i){e.open=before[i]});before=null}none.hidden=true;return}
if(!before)before=folds.map(function(e){return e.open});
leaves.forEach(function(e){var in_=e.textContent.toLowerCase().indexOf(word)>=0;
e.hidden=!in_&&!!e.closest('.code,table');if(in_)hits++});
folds.forEach(function(e){if(e.textContent.toLowerCase().indexOf(word)>=0)e.open=true});
sections.forEach(function(e){e.hidden=e.textContent.toLowerCase().indexOf(word)<0;
if(!e.hidden)hits++});
none.hidden=hits>0}
box.addEventListener('input',search);
function unfold(){var e=location.hash&&document.getElementById(location.hash.slice(1));
for(var p=e;p;p=p.parentElement)if(p.tagName==='DETAILS')p.open=true;
if(e)e.scrollIntoView()}
window.addEventListener('hashchange',unfold);unfold();
})();
"""
"""Search hides what doesn't hold the word, and opens folds that do; links
open what they lead to."""
