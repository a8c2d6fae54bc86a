/* Loads a SavedModel as a server in C++ does, runs one signature once, and leaves. No Python.
 *
 * load VERSION CONTENT_OP TYPE LENGTHS_OP OUTPUT_OP OUTPUT_INDEX INPUT OUTPUT
 *
 * TYPE is TensorFlow's number of the content's type. INPUT: int64 rank, dimensions, then the
 * content's bytes, then int64 clips and their int32 lengths. OUTPUT is written in the first form.
 * Exit code 3 and TensorFlow's message where it does not load or run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static void require(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void require_ok(TF_Status *status) {
  if (TF_GetCode(status) == TF_OK) return;
  fprintf(stderr, "code %d: %s\n", TF_GetCode(status), TF_Message(status));
  exit(3);
}

static TF_Tensor *read_tensor(FILE *file, TF_DataType type) {
  int64_t rank, dims[8], count = 1;
  require(fread(&rank, 8, 1, file) == 1 && rank <= 8, "no rank");
  require(fread(dims, 8, rank, file) == (size_t)rank, "no dimensions");
  for (int i = 0; i < rank; ++i) count *= dims[i];
  TF_Tensor *tensor = TF_AllocateTensor(type, dims, (int)rank, count * TF_DataTypeSize(type));
  size_t bytes = TF_TensorByteSize(tensor);
  require(fread(TF_TensorData(tensor), 1, bytes, file) == bytes, "content is too short");
  return tensor;
}

static TF_Output find(TF_Graph *graph, const char *name, int index) {
  TF_Output found = {TF_GraphOperationByName(graph, name), index};
  require(found.oper != NULL, name);
  return found;
}

int main(int count, char **arguments) {
  require(count == 9, "eight arguments");
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, arguments[1], tags, 1, graph,
                                                     NULL, status);
  require_ok(status);

  FILE *file = fopen(arguments[7], "rb");
  require(file != NULL, "no input");
  TF_Output inputs[2] = {find(graph, arguments[2], 0), find(graph, arguments[4], 0)};
  TF_Tensor *values[2];
  values[0] = read_tensor(file, (TF_DataType)atoi(arguments[3]));
  values[1] = read_tensor(file, TF_INT32);
  fclose(file);

  TF_Output output = find(graph, arguments[5], atoi(arguments[6]));
  TF_Tensor *result = NULL;
  TF_SessionRun(session, NULL, inputs, values, 2, &output, &result, 1, NULL, 0, NULL, status);
  require_ok(status);

  file = fopen(arguments[8], "wb");
  require(file != NULL, "no output");
  int64_t rank = TF_NumDims(result);
  fwrite(&rank, 8, 1, file);
  for (int i = 0; i < rank; ++i) {
    int64_t size = TF_Dim(result, i);
    fwrite(&size, 8, 1, file);
  }
  fwrite(TF_TensorData(result), 1, TF_TensorByteSize(result), file);
  fclose(file);
  printf("TensorFlow %s\n", TF_Version());
  return 0;
}
