"""Jinja templates of printed questionnaires; every text that comes in is escaped (``e`` in HTML, ``md`` in Markdown)."""

HTML = """\
<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<title>{{ title }}</title>
<style>
body { font-family: "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; font-size: 11pt; line-height: 1.35; color: #1a1a1a;
  max-width: 46em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 17pt; margin: 0 0 .3em; }
.head { color: #555; border-bottom: 1px solid #999; padding-bottom: .6em; margin: 0 0 1.4em; }
.head span { display: inline-block; margin-right: 2.5em; }
.version + .version { page-break-before: always; margin-top: 3em; }
.task { page-break-inside: avoid; break-inside: avoid; margin: 0 0 1.9em; }
.task h2 { font-size: 10pt; color: #555; font-weight: normal; margin: 0 0 .2em; }
.task p { font-weight: bold; margin: 0 0 .6em; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #999; padding: .4em .7em; text-align: left; vertical-align: middle; }
thead th { background: #eee; font-weight: bold; }
.mark { width: 6.5em; text-align: center; }
.mark.box, .box { font-size: 15pt; line-height: 1; }
.profiles td, .profiles thead th { text-align: center; }
.profiles .mark { width: auto; }
.profiles tbody th { width: 8em; }
.second { margin-top: .6em; }
.second b { display: block; margin-bottom: .2em; }
.second span { display: inline-block; margin-right: 2em; }
@media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
{% for version in versions %}
<section class="version">
<h1>{{ title }}</h1>
<div class="head"><span>{{ version.name }}</span><span>{{ respondent }}: ______________________</span></div>
{% for task in version.tasks %}
<div class="task">
<h2>{{ task.name }}</h2>
<p>{{ task.instruction }}</p>
<table{% if task.profiles %} class="profiles"{% endif %}>
<thead><tr>{% for cell in task.heading %}\
<th{% if cell.mark %} class="mark"{% endif %}>{{ cell.text }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in task.rows %}
<tr>{% for cell in row %}{% if cell.heading %}<th>{{ cell.text }}</th>{% else -%}
<td{% if cell.mark %} class="mark box"{% endif %}>{{ cell.text }}</td>{% endif %}{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
{% if task.second %}<div class="second"><b>{{ task.second }}</b>{% for answer in task.answers %}\
<span><span class="box">&#9744;</span> {{ answer }}</span>{% endfor %}</div>{% endif %}
</div>
{% endfor %}
</section>
{% endfor %}
</body>
</html>
"""

MARKDOWN = """\
{% for version in versions %}
{% if not loop.first %}

---

{% endif %}
# {{ title | md }}

{{ version.name | md }} · {{ respondent | md }}: ______________________
{% for task in version.tasks %}

## {{ task.name | md }}

**{{ task.instruction | md }}**

| {% for cell in task.heading %}{{ cell.text | md }} | {% endfor %}

|{% for cell in task.heading %}{{ ':-:' if cell.mark else '---' }}|{% endfor %}

{% for row in task.rows %}
| {% for cell in row %}{{ cell.text | md }} | {% endfor %}

{% endfor %}
{% if task.second %}

{{ task.second | md }}{% for answer in task.answers %} ☐ {{ answer | md }}{% endfor %}

{% endif %}
{% endfor %}
{% endfor %}
"""
