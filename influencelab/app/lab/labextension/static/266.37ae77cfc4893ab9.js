"use strict";(self.rspackChunkinfluencelab=self.rspackChunkinfluencelab||[]).push([[266],{17(r,e,i){var o=i(18),a=i.n(o),t=i(19),l=(i.n(t))()(a());l.push([r.id,`/* Colours, fonts and sizes are JupyterLab's, so that light, dark and any other theme fit. */
.il-panel,
.il-page {
  overflow: auto;
  color: var(--jp-ui-font-color1);
  background: var(--jp-layout-color1);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
  line-height: 1.45;
  overflow-wrap: anywhere;
}

.il-panel {
  min-width: 280px;
  padding: 8px 12px 24px;
}

/* In the bar it scrolls with the bar. */
.il-panel > .il-page {
  overflow: visible;
}

.il-page {
  container-type: inline-size;
}

.il-page > * {
  max-width: 1440px;
  margin: 0 auto;
  padding: 0 24px;
}

.il-panel > .il-page > * {
  padding: 0;
}

/* Without weight of their own, so that the explorer inside looks as it does everywhere. */
:where(.il-panel, .il-page) :is(h1, h2, h3) {
  margin: 0 0 6px;
  font-size: var(--jp-ui-font-size2);
  font-weight: 600;
  line-height: 1.3;
  outline-offset: 2px;
}

:where(.il-page) h1 {
  padding-top: 16px;
  font-size: 1.55em;
}

:where(.il-page) h2 {
  font-size: 1.2em;
}

:where(.il-page) h3 {
  margin-top: 24px;
}

:where(.il-panel, .il-page) p {
  margin: 4px 0;
}

.il-panel [hidden],
.il-page [hidden] {
  display: none !important;
}

:where(.il-panel, .il-page) ul {
  margin: 0 0 8px;
  padding: 0;
  list-style: none;
}

:where(.il-panel, .il-page) summary {
  padding: 4px 0;
  cursor: pointer;
}

:where(.il-panel, .il-page) :focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: 1px;
}

/* It is led to, and does nothing. */
:where(.il-panel, .il-page) :is(h1, h2):focus-visible {
  outline: none;
}

.il-help,
.il-type {
  color: var(--jp-ui-font-color2);
  font-size: 0.92em;
  font-weight: 400;
}

.il-error,
.il-fault {
  color: var(--jp-error-color1);
  white-space: pre-line;
}

[data-jp-theme-light='false'] :is(.il-error, .il-fault) {
  color: var(--jp-error-color3, #ef9a9a);
}

.il-error:empty,
.il-fault:empty,
.il-state:empty,
.il-help:empty {
  display: none;
}

/* The list. */
.il-study {
  display: flex;
  flex-direction: column;
  gap: 3px;
  width: 100%;
  margin: 0 0 8px;
  padding: 8px 10px;
  border: var(--jp-border-width) solid var(--jp-border-color1);
  border-radius: 4px;
  color: inherit;
  background: var(--jp-layout-color1);
  font: inherit;
  text-align: left;
  cursor: pointer;
}

.il-study:hover {
  background: var(--jp-layout-color2);
}

.il-study[aria-current='true'] {
  border-color: var(--jp-brand-color1);
  box-shadow: inset 3px 0 var(--jp-brand-color1);
}

.il-study:hover .il-help {
  color: inherit;
}

.il-question {
  font-weight: 600;
}

.il-state {
  padding: 2px 6px;
  border-radius: 3px;
  background: linear-gradient(90deg, var(--jp-brand-color3) var(--il-share), transparent 0) var(--jp-layout-color2);
}

[data-jp-theme-light='false'] .il-state {
  background: linear-gradient(90deg, #0d3a66 var(--il-share), transparent 0) var(--jp-layout-color2);
}

.il-marks {
  display: inline-flex;
  flex-wrap: wrap;
  gap: 4px;
}

.il-mark {
  padding: 0 6px;
  border: var(--jp-border-width) solid var(--jp-border-color1);
  border-left: 4px solid var(--jp-border-color0);
  border-radius: 3px;
  background: var(--jp-layout-color1);
  font-size: 0.92em;
}

.il-mark:is([data-verdict='reproduced'], [data-verdict='explained']) {
  border-left-color: var(--jp-success-color1);
}

.il-mark[data-verdict='not reproduced'] {
  border-left-color: var(--jp-error-color1);
}

.il-mark:is([data-verdict='inconclusive'], [data-verdict='depends on the setting']) {
  border-left-color: var(--jp-warn-color1);
}

/* Buttons and fields. */
.il-buttons {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  align-items: center;
  margin: 6px 0;
}

.il-button {
  padding: 4px 12px;
  border: var(--jp-border-width) solid var(--jp-border-color0);
  border-radius: 4px;
  color: inherit;
  background: var(--jp-layout-color2);
  font: inherit;
  cursor: pointer;
}

.il-button:hover:enabled:not([aria-disabled='true']) {
  background: var(--jp-layout-color3);
}

.il-button:disabled,
.il-button[aria-disabled='true'] {
  opacity: 0.5;
  cursor: default;
}

.il-accept {
  border-color: var(--jp-brand-color1);
  color: #fff;
  background: #1565c0;
  font-weight: 600;
}

.il-accept:hover:enabled:not([aria-disabled='true']) {
  background: #0d47a1;
}

.il-line label {
  display: block;
  font-weight: 600;
}

:is(.il-line, .il-search) :is(input:not([type='checkbox']), select) {
  box-sizing: border-box;
  width: 100%;
  height: 30px;
  padding: 3px 8px;
  border: var(--jp-border-width) solid var(--jp-border-color0);
  border-radius: 4px;
  color: inherit;
  background: var(--jp-layout-color1);
  color-scheme: light;
  font: inherit;
}

[data-jp-theme-light='false'] :is(.il-line, .il-search) :is(input, select) {
  color-scheme: dark;
}

.il-line input[aria-invalid='true']:not([type='checkbox']),
.il-line .il-list:has([aria-invalid='true']) {
  border-color: var(--jp-error-color1);
  box-shadow: 0 0 0 1px var(--jp-error-color1);
}

.il-changed label::after {
  content: ' \xb7 changed';
  color: var(--jp-ui-font-color2);
  font-weight: 400;
}

.il-line .il-toggle {
  position: relative;
  width: 38px;
  height: 20px;
  margin: 5px 0 0;
  border: var(--jp-border-width) solid var(--jp-border-color0);
  border-radius: 10px;
  background: var(--jp-layout-color3);
  appearance: none;
  cursor: pointer;
}

.il-line .il-toggle::before {
  position: absolute;
  inset: 2px auto 2px 2px;
  width: 14px;
  border-radius: 50%;
  background: var(--jp-ui-font-color1);
  content: '';
}

.il-line .il-toggle:checked {
  background: #1565c0;
}

.il-line .il-toggle:checked::before {
  left: 20px;
  background: #fff;
}

.il-list {
  display: flex;
  flex-wrap: wrap;
  gap: 4px;
  padding: 3px;
  border: var(--jp-border-width) solid var(--jp-border-color0);
  border-radius: 4px;
}

.il-list > .il-chips {
  display: contents;
}

.il-chips li {
  display: inline-flex;
  align-items: center;
  padding: 0 2px 0 8px;
  border-radius: 11px;
  background: var(--jp-layout-color3);
}

.il-chips .il-button {
  margin-left: 2px;
  padding: 0 6px;
  border: 0;
  border-radius: 50%;
  background: none;
}

.il-line .il-list > input:not([type='checkbox']) {
  flex: 1;
  width: auto;
  min-width: 64px;
  height: 24px;
  border: 0;
}

.il-optional {
  display: flex;
  gap: 8px;
  align-items: center;
}

.il-optional > div {
  flex: 1;
}

/* The document: form and progress side by side where there is room. */
.il-answer {
  margin-top: 8px;
}

.il-page > .il-answer {
  margin-bottom: 12px;
}

.il-answer li {
  max-width: 110ch;
  padding: 2px 0 2px 10px;
  border-left: 3px solid var(--jp-border-color2);
  margin-bottom: 4px;
}

.il-work {
  display: grid;
  grid-template-areas: 'start' 'progress' 'fields';
  gap: 12px 24px;
  margin: 0 -12px;
  padding: 12px;
  border: var(--jp-border-width) solid var(--jp-border-color2);
  border-radius: 6px;
}

.il-start {
  grid-area: start;
  display: flex;
  flex-wrap: wrap;
  gap: 0 12px;
  align-items: end;
}

.il-start > .il-line {
  flex: 1 1 220px;
  max-width: 340px;
}

.il-start > p {
  flex-basis: 100%;
}

.il-start > .il-buttons {
  margin: 0;
}

.il-fields {
  grid-area: fields;
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(220px, 100%), 1fr));
  gap: 14px 18px;
  align-content: start;
}

.il-wide {
  grid-column: 1 / -1;
}

.il-fields details > .il-line {
  margin: 8px 0;
}

.il-progress {
  grid-area: progress;
  min-width: 0;
}

@container (min-width: 900px) {
  .il-work {
    grid-template-areas: 'start progress' 'fields progress';
    grid-template-columns: minmax(0, 3fr) minmax(340px, 2fr);
    grid-template-rows: auto 1fr;
  }

  /* It stays in sight, wherever in the form one is. */
  .il-progress {
    position: sticky;
    top: 12px;
    align-self: start;
    padding-left: 24px;
    border-left: var(--jp-border-width) solid var(--jp-border-color2);
  }

  .il-figures {
    grid-template-columns: repeat(auto-fit, minmax(520px, 1fr));
  }
}

.il-run {
  margin: 0 0 8px;
  padding: 8px 10px;
  border: var(--jp-border-width) solid var(--jp-border-color1);
  border-left: 4px solid var(--jp-border-color0);
  border-radius: 4px;
}

.il-run[data-state='running'] {
  border-left-color: var(--jp-brand-color1);
}

.il-run[data-state='done'] {
  border-left-color: var(--jp-success-color1);
}

.il-run[data-state='failed'] {
  border-left-color: var(--jp-error-color1);
}

.il-run-name {
  display: flex;
  flex-wrap: wrap;
  gap: 4px 8px;
  align-items: center;
}

.il-run-name strong {
  flex: 1;
}

.il-run progress {
  width: 100%;
  height: 16px;
  margin: 6px 0 0;
  accent-color: var(--jp-brand-color1);
}

.il-standing {
  font-weight: 600;
}

.il-log {
  overflow: auto;
  max-height: 180px;
  margin: 4px 0 0;
  padding: 6px 8px;
  border-radius: 4px;
  color: var(--jp-ui-font-color1);
  background: var(--jp-layout-color2);
  font-family: var(--jp-code-font-family);
  font-size: 0.88em;
  white-space: pre-wrap;
}

/* Results. */
.il-results {
  padding-top: 24px;
  padding-bottom: 32px;
}

.il-results > .il-line {
  display: flex;
  gap: 8px;
  align-items: center;
  max-width: 420px;
  white-space: nowrap;
}

.il-figures {
  display: grid;
  gap: 16px 24px;
  align-items: start;
}

.il-figures figure {
  margin: 0;
}

.il-figures img {
  box-sizing: border-box;
  max-width: 100%;
  padding: 6px;
  border-radius: 4px;
  background: #fff;
}

.il-figures figcaption {
  max-width: 90ch;
  color: var(--jp-ui-font-color1);
}

.il-table {
  overflow: auto;
  max-height: 420px;
  border: var(--jp-border-width) solid var(--jp-border-color2);
  border-radius: 4px;
}

.il-table table {
  width: 100%;
  border-collapse: collapse;
}

.il-table :is(th, td) {
  padding: 4px 8px;
  border-bottom: var(--jp-border-width) solid var(--jp-border-color2);
  text-align: left;
  vertical-align: top;
  font-weight: 400;
  font-variant-numeric: tabular-nums;
  overflow-wrap: break-word;
}

.il-table thead th {
  position: sticky;
  top: 0;
  background: var(--jp-layout-color2);
  font-weight: 600;
}

.il-search {
  display: flex;
  flex-wrap: wrap;
  gap: 4px 12px;
  align-items: center;
  margin-bottom: 6px;
}

.il-search input:not([type='checkbox']) {
  width: 280px;
}

.il-heard {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}
`,""]),i.d(e,{},{A:l})},19(r){r.exports=function(r){var e=[];return e.toString=function(){return this.map(function(e){var i="",o=void 0!==e[5];return e[4]&&(i+="@supports (".concat(e[4],") {")),e[2]&&(i+="@media ".concat(e[2]," {")),o&&(i+="@layer".concat(e[5].length>0?" ".concat(e[5]):""," {")),i+=r(e),o&&(i+="}"),e[2]&&(i+="}"),e[4]&&(i+="}"),i}).join("")},e.i=function(r,i,o,a,t){"string"==typeof r&&(r=[[null,r,void 0]]);var l={};if(o)for(var n=0;n<this.length;n++){var p=this[n][0];null!=p&&(l[p]=!0)}for(var d=0;d<r.length;d++){var s=[].concat(r[d]);o&&l[s[0]]||(void 0!==t&&(void 0===s[5]||(s[1]="@layer".concat(s[5].length>0?" ".concat(s[5]):""," {").concat(s[1],"}")),s[5]=t),i&&(s[2]&&(s[1]="@media ".concat(s[2]," {").concat(s[1],"}")),s[2]=i),a&&(s[4]?(s[1]="@supports (".concat(s[4],") {").concat(s[1],"}"),s[4]=a):s[4]="".concat(a)),e.push(s))}},e}},18(r){r.exports=function(r){return r[1]}},10(r,e,i){i.r(e);var o=i(11),a=i.n(o),t=i(12),l=i.n(t),n=i(13),p=i.n(n),d=i(14),s=i.n(d),c=i(15),u=i.n(c),g=i(16),f=i.n(g),h=i(17),x={};x.styleTagTransform=f(),x.setAttributes=s(),x.insert=p().bind(null,"head"),x.domAPI=l(),x.insertStyleElement=u(),a()(h.A,x);let b=h.A&&h.A.locals?h.A.locals:void 0;i.d(e,{},{default:b})},11(r){var e=[];function i(r){for(var i=-1,o=0;o<e.length;o++)if(e[o].identifier===r){i=o;break}return i}function o(r,o){for(var a={},t=[],l=0;l<r.length;l++){var n=r[l],p=o.base?n[0]+o.base:n[0],d=a[p]||0,s="".concat(p," ").concat(d);a[p]=d+1;var c=i(s),u={css:n[1],media:n[2],sourceMap:n[3],supports:n[4],layer:n[5]};if(-1!==c)e[c].references++,e[c].updater(u);else{var g=function(r,e){var i=e.domAPI(e);return i.update(r),function(e){e?(e.css!==r.css||e.media!==r.media||e.sourceMap!==r.sourceMap||e.supports!==r.supports||e.layer!==r.layer)&&i.update(r=e):i.remove()}}(u,o);o.byIndex=l,e.splice(l,0,{identifier:s,updater:g,references:1})}t.push(s)}return t}r.exports=function(r,a){var t=o(r=r||[],a=a||{});return function(r){r=r||[];for(var l=0;l<t.length;l++){var n=i(t[l]);e[n].references--}for(var p=o(r,a),d=0;d<t.length;d++){var s=i(t[d]);0===e[s].references&&(e[s].updater(),e.splice(s,1))}t=p}}},13(r){var e={};r.exports=function(r,i){var o=function(r){if(void 0===e[r]){var i=document.querySelector(r);if(window.HTMLIFrameElement&&i instanceof window.HTMLIFrameElement)try{i=i.contentDocument.head}catch(r){i=null}e[r]=i}return e[r]}(r);if(!o)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");o.appendChild(i)}},15(r){r.exports=function(r){var e=document.createElement("style");return r.setAttributes(e,r.attributes),r.insert(e,r.options),e}},14(r,e,i){r.exports=function(r){var e=i.nc;e&&r.setAttribute("nonce",e)}},12(r){r.exports=function(r){if("u"<typeof document)return{update:function(){},remove:function(){}};var e=r.insertStyleElement(r);return{update:function(i){var o,a,t;o="",i.supports&&(o+="@supports (".concat(i.supports,") {")),i.media&&(o+="@media ".concat(i.media," {")),(a=void 0!==i.layer)&&(o+="@layer".concat(i.layer.length>0?" ".concat(i.layer):""," {")),o+=i.css,a&&(o+="}"),i.media&&(o+="}"),i.supports&&(o+="}"),(t=i.sourceMap)&&"u">typeof btoa&&(o+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(t))))," */")),r.styleTagTransform(o,e,r.options)},remove:function(){var r;null===(r=e).parentNode||r.parentNode.removeChild(r)}}}},16(r){r.exports=function(r,e){if(e.styleSheet)e.styleSheet.cssText=r;else{for(;e.firstChild;)e.removeChild(e.firstChild);e.appendChild(document.createTextNode(r))}}}}]);