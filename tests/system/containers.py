"""What contrib/docker's Dockerfile does, step by step, as JSON: [{"stage", "word", "text"}], and compose.yaml with it."""
import json, re, sys
import yaml

steps, stage = [], None
text = re.sub(r'^#.*\n', '', open(sys.argv[1]).read(), flags=re.M).replace('\\\n', ' ')
for line in filter(None, (line.strip() for line in text.split('\n'))):
    word, rest = line.split(None, 1)
    rest = ' '.join(rest.split())
    if word == 'FROM':
        stage = rest.split(' AS ')[1]
    steps.append({'stage': stage, 'word': word, 'text': rest})
json.dump({'steps': steps, 'compose': yaml.safe_load(open(sys.argv[2]))}, sys.stdout)
