"use strict";(self.rspackChunkinfluencelab=self.rspackChunkinfluencelab||[]).push([[266],{17(r,e,o){var t=o(18),a=o.n(t),i=o(19),n=(o.n(i))()(a());n.push([r.id,`/* Colours, fonts and sizes are JupyterLab's, so that light, dark and any other theme fit. */
.il-panel {
  min-width: 300px;
  overflow: auto;
  padding: 8px 12px 24px;
  color: var(--jp-ui-font-color1);
  background: var(--jp-layout-color1);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
  line-height: 1.4;
  overflow-wrap: anywhere;
}

.il-panel h3,
.il-panel h4 {
  margin: 12px 0 6px;
  font-size: var(--jp-ui-font-size2);
  font-weight: 600;
  outline-offset: 2px;
}

.il-panel h4 {
  font-size: var(--jp-ui-font-size1);
}

.il-panel p {
  margin: 4px 0;
}

.il-panel [hidden] {
  display: none;
}

.il-panel ul {
  margin: 0 0 8px;
  padding: 0;
  list-style: none;
}

.il-panel summary {
  padding: 4px 0;
  cursor: pointer;
}

.il-help,
.il-type {
  color: var(--jp-ui-font-color2);
  font-size: var(--jp-ui-font-size0);
  font-weight: 400;
}

.il-error,
.il-fault {
  color: var(--jp-error-color1);
  white-space: pre-line;
}

.jp-mod-theme-dark .il-error,
[data-jp-theme-light='false'] .il-error,
[data-jp-theme-light='false'] .il-fault {
  color: var(--jp-error-color3, #ef9a9a);
}

.il-error:empty,
.il-fault:empty {
  display: none;
}

.il-study {
  display: flex;
  flex-direction: column;
  gap: 2px;
  width: 100%;
  margin: 0 0 6px;
  padding: 8px;
  border: var(--jp-border-width) solid var(--jp-border-color1);
  border-radius: var(--jp-border-radius);
  color: inherit;
  background: var(--jp-layout-color1);
  font: inherit;
  text-align: left;
  cursor: pointer;
}

.il-study:hover {
  background: var(--jp-layout-color2);
}

.il-question {
  font-weight: 600;
}

.il-panel :focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: 1px;
}

.il-buttons {
  display: flex;
  flex-wrap: wrap;
  gap: 6px;
  margin: 6px 0;
}

.il-buttons:not(:has(:not([hidden]))) {
  display: none;
}

.il-button {
  padding: 4px 10px;
  border: var(--jp-border-width) solid var(--jp-border-color0);
  border-radius: var(--jp-border-radius);
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
  color: var(--jp-ui-inverse-font-color1);
  background: var(--jp-brand-color1);
}

.il-accept:hover:enabled:not([aria-disabled='true']) {
  background: var(--jp-brand-color1);
  text-decoration: underline;
}

.il-line {
  margin: 6px 0;
}

.il-line label {
  display: block;
  font-weight: 600;
}

.il-line input[type='text'],
.il-line select {
  box-sizing: border-box;
  width: 100%;
  padding: 4px 6px;
  border: var(--jp-border-width) solid var(--jp-border-color0);
  border-radius: var(--jp-border-radius);
  color: inherit;
  background: var(--jp-input-background, var(--jp-layout-color1));
  font: inherit;
}

.il-switch label {
  display: inline-block;
  margin-right: 8px;
}

.il-changed label::after {
  content: ' \xb7 changed';
  color: var(--jp-ui-font-color2);
  font-weight: 400;
}

.il-line input[aria-invalid='true'] {
  border-color: var(--jp-error-color1);
}

.il-run {
  margin: 0 0 8px;
  padding: 8px;
  border: var(--jp-border-width) solid var(--jp-border-color1);
  border-left: 4px solid var(--jp-border-color0);
  border-radius: var(--jp-border-radius);
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

.il-run progress {
  width: 100%;
  height: 12px;
  accent-color: var(--jp-brand-color1);
}

.il-log {
  overflow: auto;
  max-height: 160px;
  margin: 4px 0;
  padding: 6px;
  color: var(--jp-ui-font-color1);
  background: var(--jp-layout-color2);
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-ui-font-size0);
}

.il-table {
  overflow: auto;
  max-height: 360px;
  margin: 4px 0;
}

.il-table table {
  width: 100%;
  border-collapse: collapse;
  font-size: var(--jp-ui-font-size0);
}

.il-table th,
.il-table td {
  padding: 3px 6px;
  border-bottom: var(--jp-border-width) solid var(--jp-border-color2);
  text-align: left;
  vertical-align: top;
  font-weight: 400;
}

.il-table thead th {
  font-weight: 600;
}

.il-verdicts li {
  padding: 4px 0;
  border-bottom: var(--jp-border-width) solid var(--jp-border-color2);
}

.il-report figure {
  margin: 8px 0;
}

.il-report img {
  max-width: 100%;
  background: #fff;
}

.il-heard {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}
`,""]),o.d(e,{},{A:n})},19(r){r.exports=function(r){var e=[];return e.toString=function(){return this.map(function(e){var o="",t=void 0!==e[5];return e[4]&&(o+="@supports (".concat(e[4],") {")),e[2]&&(o+="@media ".concat(e[2]," {")),t&&(o+="@layer".concat(e[5].length>0?" ".concat(e[5]):""," {")),o+=r(e),t&&(o+="}"),e[2]&&(o+="}"),e[4]&&(o+="}"),o}).join("")},e.i=function(r,o,t,a,i){"string"==typeof r&&(r=[[null,r,void 0]]);var n={};if(t)for(var l=0;l<this.length;l++){var p=this[l][0];null!=p&&(n[p]=!0)}for(var d=0;d<r.length;d++){var c=[].concat(r[d]);t&&n[c[0]]||(void 0!==i&&(void 0===c[5]||(c[1]="@layer".concat(c[5].length>0?" ".concat(c[5]):""," {").concat(c[1],"}")),c[5]=i),o&&(c[2]&&(c[1]="@media ".concat(c[2]," {").concat(c[1],"}")),c[2]=o),a&&(c[4]?(c[1]="@supports (".concat(c[4],") {").concat(c[1],"}"),c[4]=a):c[4]="".concat(a)),e.push(c))}},e}},18(r){r.exports=function(r){return r[1]}},10(r,e,o){o.r(e);var t=o(11),a=o.n(t),i=o(12),n=o.n(i),l=o(13),p=o.n(l),d=o(14),c=o.n(d),s=o(15),u=o.n(s),f=o(16),v=o.n(f),h=o(17),b={};b.styleTagTransform=v(),b.setAttributes=c(),b.insert=p().bind(null,"head"),b.domAPI=n(),b.insertStyleElement=u(),a()(h.A,b);let g=h.A&&h.A.locals?h.A.locals:void 0;o.d(e,{},{default:g})},11(r){var e=[];function o(r){for(var o=-1,t=0;t<e.length;t++)if(e[t].identifier===r){o=t;break}return o}function t(r,t){for(var a={},i=[],n=0;n<r.length;n++){var l=r[n],p=t.base?l[0]+t.base:l[0],d=a[p]||0,c="".concat(p," ").concat(d);a[p]=d+1;var s=o(c),u={css:l[1],media:l[2],sourceMap:l[3],supports:l[4],layer:l[5]};if(-1!==s)e[s].references++,e[s].updater(u);else{var f=function(r,e){var o=e.domAPI(e);return o.update(r),function(e){e?(e.css!==r.css||e.media!==r.media||e.sourceMap!==r.sourceMap||e.supports!==r.supports||e.layer!==r.layer)&&o.update(r=e):o.remove()}}(u,t);t.byIndex=n,e.splice(n,0,{identifier:c,updater:f,references:1})}i.push(c)}return i}r.exports=function(r,a){var i=t(r=r||[],a=a||{});return function(r){r=r||[];for(var n=0;n<i.length;n++){var l=o(i[n]);e[l].references--}for(var p=t(r,a),d=0;d<i.length;d++){var c=o(i[d]);0===e[c].references&&(e[c].updater(),e.splice(c,1))}i=p}}},13(r){var e={};r.exports=function(r,o){var t=function(r){if(void 0===e[r]){var o=document.querySelector(r);if(window.HTMLIFrameElement&&o instanceof window.HTMLIFrameElement)try{o=o.contentDocument.head}catch(r){o=null}e[r]=o}return e[r]}(r);if(!t)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");t.appendChild(o)}},15(r){r.exports=function(r){var e=document.createElement("style");return r.setAttributes(e,r.attributes),r.insert(e,r.options),e}},14(r,e,o){r.exports=function(r){var e=o.nc;e&&r.setAttribute("nonce",e)}},12(r){r.exports=function(r){if("u"<typeof document)return{update:function(){},remove:function(){}};var e=r.insertStyleElement(r);return{update:function(o){var t,a,i;t="",o.supports&&(t+="@supports (".concat(o.supports,") {")),o.media&&(t+="@media ".concat(o.media," {")),(a=void 0!==o.layer)&&(t+="@layer".concat(o.layer.length>0?" ".concat(o.layer):""," {")),t+=o.css,a&&(t+="}"),o.media&&(t+="}"),o.supports&&(t+="}"),(i=o.sourceMap)&&"u">typeof btoa&&(t+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(i))))," */")),r.styleTagTransform(t,e,r.options)},remove:function(){var r;null===(r=e).parentNode||r.parentNode.removeChild(r)}}}},16(r){r.exports=function(r,e){if(e.styleSheet)e.styleSheet.cssText=r;else{for(;e.firstChild;)e.removeChild(e.firstChild);e.appendChild(document.createTextNode(r))}}}}]);