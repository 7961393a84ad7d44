"""Serves a model of random weights with llama.cpp's own server: python llama_cpp.py PORT KEY FOLDER

The weights are made here, since no package ships a model that is small enough. The model writes noise, but
the server around it is llama.cpp's: parameters, grammars, templates, streams, errors and keys are real.
"""

import sys
import threading

import gguf
import numpy
import xllamacpp

EMBEDDING, FEED_FORWARD, HEADS, CONTEXT = 64, 128, 4, 4096
# A template in the form of the Hermes models, whose tool calls the server reads.
TEMPLATE = (
    "{% if tools %}<|im_start|>system\n<tools>{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}\n</tools>"
    "<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content or '' }}"
    "{% for call in message.tool_calls or [] %}\n<tool_call>\n"
    '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}\n'
    "</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def vocabulary():
    """Three marks, all bytes, and the printable characters of ASCII: enough for any text."""
    marks = [(b"<unk>", 0.0, gguf.TokenType.UNKNOWN)]
    marks += [(mark, 0.0, gguf.TokenType.CONTROL) for mark in (b"<s>", b"</s>")]
    all_bytes = [(b"<0x%02X>" % byte, 0.0, gguf.TokenType.BYTE) for byte in range(256)]
    printable = [chr(code) if code > 32 else "\u2581" for code in range(32, 127)]
    characters = [(c.encode(), -float(rank), gguf.TokenType.NORMAL) for rank, c in enumerate(printable)]
    return marks + all_bytes + characters


def write_model(path):
    """Writes a Llama of one layer."""
    random = numpy.random.default_rng(7)
    tokens = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(EMBEDDING)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(EMBEDDING // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _, _ in tokens])
    writer.add_token_scores([score for _, score, _ in tokens])
    writer.add_token_types([int(kind) for _, _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    square = (EMBEDDING, EMBEDDING)
    shapes = {
        "token_embd": (len(tokens), EMBEDDING),
        "output": (len(tokens), EMBEDDING),
        "blk.0.attn_q": square,
        "blk.0.attn_k": square,
        "blk.0.attn_v": square,
        "blk.0.attn_output": square,
        "blk.0.ffn_gate": (FEED_FORWARD, EMBEDDING),
        "blk.0.ffn_up": (FEED_FORWARD, EMBEDDING),
        "blk.0.ffn_down": (EMBEDDING, FEED_FORWARD),
    }
    for name, shape in shapes.items():
        weights = random.standard_normal(shape) * 0.2
        writer.add_tensor(f"{name}.weight", weights.astype(numpy.float32))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", numpy.ones(EMBEDDING, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(port, key, folder):
    path = f"{folder}/tiny.gguf"
    write_model(path)
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {"tiny"}
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.port = int(port)
    params.api_keys = [key]
    params.use_jinja = True
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    threading.Event().wait()


main(*sys.argv[1:])
